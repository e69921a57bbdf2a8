import { ThreadWorker } from 'poolifier';
import { work } from './work.mjs';

export default new ThreadWorker(work);
