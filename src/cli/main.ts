#!/usr/bin/env node
/** Where the command `simul` begins. */
import { readFileSync } from 'node:fs';
import { InvalidOptionError } from '../errors.js';
import { readCommandLine } from './command-line.js';
import { doctorCommand } from './doctor-command.js';
import { mapCommand } from './map-command.js';
import { HELP, UsageError } from './usage.js';

async function main(args: readonly string[]): Promise<number> {
  const command = readCommandLine(args);
  switch (command.name) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return 0;
    case 'doctor':
      return doctorCommand(command.json);
    case 'map':
      return mapCommand(command.settings);
    default:
      return command satisfies never;
  }
}

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The exit status for an error that the commands do not handle, which is told here. */
function report(error: unknown): number {
  if (error instanceof UsageError || error instanceof InvalidOptionError) {
    process.stderr.write(`simul: ${error.message}\nsimul --help tells how to use it\n`);
    return 2;
  }
  process.stderr.write(`simul: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
}

void main(process.argv.slice(2))
  .catch(report)
  // What is left, such as standard input that nobody reads any more, must not keep the process.
  .then((status) => process.exit(status));
