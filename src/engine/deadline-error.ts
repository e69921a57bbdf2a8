import { TaskTimeoutError } from '../errors.js';

/** What a task is called in errors about its time. */
export function taskLabel(name: string | undefined): string {
  return name === undefined ? 'the task' : `task "${name}"`;
}

/** `why`: what it waited for, where that is known. */
export function deadlineError(name: string | undefined, deadline: number, why?: string): TaskTimeoutError {
  const end = why === undefined ? '' : `: ${why}`;
  return new TaskTimeoutError(`${taskLabel(name)} was not done within its deadline of ${deadline} ms${end}`);
}
