import { examine, type Machine, type Trial } from './machine.js';

/** Runs `simul doctor`; gives the exit status: 0 where functions run, else 1. */
export async function doctorCommand(json: boolean): Promise<number> {
  const machine = await examine();
  process.stdout.write(json ? `${JSON.stringify(machine, null, 2)}\n` : describe(machine));
  return machine.usable ? 0 : 1;
}

function describe(machine: Machine): string {
  const { memory, sharedMemory, processes, worker, closures, typescript } = machine;
  const rows: [string, string][] = [
    ['system', machine.system],
    ['Node', machine.node],
    ['usable cores', coresOf(machine)],
    ['memory', `${bytes(memory.total)}, ${bytes(memory.free)} free`],
    ['memory limit', memory.limit === undefined ? 'none' : `${bytes(memory.limit)} (cgroup)`],
    [
      'shared memory',
      [
        sharedMemory.sharedArrayBuffer ? 'SharedArrayBuffer' : 'no SharedArrayBuffer',
        sharedMemory.devShm === undefined
          ? 'no /dev/shm'
          : `/dev/shm with ${bytes(sharedMemory.devShm)} free`,
      ].join(', '),
    ],
    ['worker starts', shown(worker.start)],
    ['worker answers', shown(worker.answer)],
    ['closures', shown(closures)],
    [
      'TypeScript',
      `${shown(typescript.module)}; native: ${typescript.native || 'no'}; oxc-transform: ${typescript.oxcTransform ? 'yes' : 'no'}`,
    ],
    ['processes', `by ${processes.by}${processes.why === undefined ? '' : `: ${processes.why}`}`],
    ['Ray', 'not part of this version'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return `${lines.join('\n')}\n\n${machine.usable ? 'Simul works here.' : 'Simul does not work here.'}\n`;
}

function coresOf({ cores }: Machine): string {
  if ('error' in cores) return cores.error;
  const { affinity, quota, override } = cores;
  const reasons = [
    `${affinity} by affinity`,
    quota === undefined ? 'no cgroup quota' : `a cgroup quota of ${quota}`,
    override === undefined ? 'SIMUL_WORKERS is not set' : `SIMUL_WORKERS says ${override}`,
  ];
  return `${cores.cores} (${reasons.join(', ')})`;
}

function shown({ ok, ms, error }: Trial): string {
  return ok ? `yes, in ${ms} ms` : `no: ${error}`;
}

function bytes(count: number): string {
  const gib = count / 2 ** 30;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(count / 2 ** 20)} MiB`;
}
