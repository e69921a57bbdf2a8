/** A command line that was not understood: told in one line, exit status 2. */
export class UsageError extends Error {}

export const HELP = `simul map MODULE[#EXPORT] [FILES…]   run an export over every record
  --output F          write there instead of to standard output; .csv and .json endings choose the format
  --format F          lines, ndjson, csv or json; default: by each file's ending, else lines
  --workers N         workers; default: usable cores
  --retries N         more attempts for records that fail; default 0
  --timeout MS        longest running time of one attempt
  --unordered         results as they come
  --halt              stop at the first record that fails
  --resume JOURNAL    go on where a run with the same journal and output was stopped
  --progress WHEN     auto (default), never or json; to standard error
  FILES               - or none: standard input
simul doctor                          what this machine offers
simul --version, simul --help
Exit status: 0 all done; 1 some records failed (each on standard error); 2 wrong usage.
`;
