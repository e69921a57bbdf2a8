export type { Scenario } from './execution.js';
export { type Explored, type ExploreOptions, explore } from './explore.js';
export type { Edit } from './modules.js';
export type { Port } from './operations.js';
export { Program } from './program.js';
export { ScheduleError } from './schedule-error.js';
export type { Stage } from './surroundings.js';
