/**
 * The public errors, grouped by who is at fault. Every one extends {@link SimulError} and carries a stable
 * `code`, so that `switch (error.code)` is safe across versions and across copies of the package.
 */

/** Where a failed task ran; found as `error.task` on a task's own error. */
export interface TaskOrigin {
  /** The task's id, as in `Future.id`. */
  readonly id: string;
  /** Position of the item in its operation; 0 for `run`; where the range begins for `forRange`. */
  readonly index: number;
  /** Of `forRange` only: where the range ends, the first index that is not in it. */
  readonly to?: number;
  /** The worker's number in its pool. */
  readonly worker: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** The base of all errors that Simul itself makes. */
export class SimulError extends Error {
  /** The same for a kind of error in all versions, such as `SIMUL_TASK_TIMEOUT`. */
  readonly code: string;
  /** Set where the failure belongs to one task. */
  declare task?: TaskOrigin;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

function named(type: { prototype: Error }, name: string): void {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
}

// ---- the caller's fault ---------------------------------------------------------------------------------

/** An option is unknown or out of range; the message names the option, the value and what is allowed. */
export class InvalidOptionError extends SimulError {
  constructor(message: string, options?: ErrorOptions) {
    super('SIMUL_INVALID_OPTION', message, options);
  }
}

/** A function or value cannot travel to a worker or back; the message names the variable and the path. */
export class SerializationError extends SimulError {
  /** The path to the value that could not travel, such as `connection.options.agent`. */
  readonly path: string | undefined;

  constructor(message: string, options?: ErrorOptions & { path?: string | undefined }) {
    super('SIMUL_SERIALIZATION', message, options);
    this.path = options?.path;
  }
}

/** The pool was closed or terminated before the task could run or finish. */
export class PoolClosedError extends SimulError {
  constructor(message: string, options?: ErrorOptions) {
    super('SIMUL_POOL_CLOSED', message, options);
  }
}

/** A bounded queue had no room, such as a pool with `queueLimit`. */
export class QueueFullError extends SimulError {
  constructor(message: string, options?: ErrorOptions) {
    super('SIMUL_QUEUE_FULL', message, options);
  }
}

/** A value kept by `put` is gone; the message names the ref and says why. */
export class ObjectLostError extends SimulError {
  constructor(message: string, options?: ErrorOptions) {
    super('SIMUL_OBJECT_LOST', message, options);
  }
}

// ---- the task's fault, or its limits --------------------------------------------------------------------

/** A task passed its `timeout`, `queueTimeout` or `deadline`. */
export class TaskTimeoutError extends SimulError {
  constructor(message: string, options?: ErrorOptions) {
    super('SIMUL_TASK_TIMEOUT', message, options);
  }
}

/** A task was cancelled by `Future.cancel()` without a reason of its own. */
export class TaskCancelledError extends SimulError {
  constructor(message: string, options?: ErrorOptions) {
    super('SIMUL_TASK_CANCELLED', message, options);
  }
}

// ---- the machine's fault --------------------------------------------------------------------------------

/**
 * The worker that ran a task died, or had to be stopped, while the task was running. After several attempts the `cause` is an
 * AggregateError with what ended each of them, in order.
 */
export class WorkerCrashedError extends SimulError {
  /** The worker's exit code, where it has one. */
  readonly exitCode: number | undefined;
  /** The signal that ended a worker process. */
  readonly signal: string | undefined;
  /** The last lines that a worker process wrote to its stderr. */
  readonly stderr: string | undefined;
  /** Where memory was the cause: bytes that the worker used, as far as that is known. */
  readonly memoryUsed: number | undefined;
  /** Where memory was the cause: bytes that it may use, of its `maxHeap` or `maxMemory`. */
  readonly memoryLimit: number | undefined;

  constructor(
    message: string,
    options?: ErrorOptions & {
      exitCode?: number | undefined;
      signal?: string | undefined;
      stderr?: string | undefined;
      memoryUsed?: number | undefined;
      memoryLimit?: number | undefined;
    },
  ) {
    super('SIMUL_WORKER_CRASHED', message, options);
    this.exitCode = options?.exitCode;
    this.signal = options?.signal;
    this.stderr = options?.stderr;
    this.memoryUsed = options?.memoryUsed;
    this.memoryLimit = options?.memoryLimit;
  }
}

/** The engine cannot work: `init` failed, workers cannot be started, or a worker broke the protocol. */
export class EngineError extends SimulError {
  constructor(message: string, options?: ErrorOptions) {
    super('SIMUL_ENGINE', message, options);
  }
}

named(SimulError, 'SimulError');
named(InvalidOptionError, 'InvalidOptionError');
named(SerializationError, 'SerializationError');
named(PoolClosedError, 'PoolClosedError');
named(QueueFullError, 'QueueFullError');
named(ObjectLostError, 'ObjectLostError');
named(TaskTimeoutError, 'TaskTimeoutError');
named(TaskCancelledError, 'TaskCancelledError');
named(WorkerCrashedError, 'WorkerCrashedError');
named(EngineError, 'EngineError');
