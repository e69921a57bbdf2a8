export { deadlineError } from './deadline-error.js';
export type {
  Engine,
  EngineOperation,
  EngineStats,
  JobLimits,
  JobPhase,
  JobSink,
  JobSpec,
  JobTicket,
  OperationSpec,
  Ran,
  StreamEvent,
} from './engine.js';
export { LocalEngine } from './local/local-engine.js';
export { NestedEngine } from './nested/nested-engine.js';
