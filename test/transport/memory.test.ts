/** Processes over shared memory, by the contract of all transports. */
import { contract } from './contract.js';

contract('memory');
