/** Processes that share no memory, by the contract of all transports. */
import { contract } from './contract.js';

contract('socket');
