/** A command line that was not understood: told in one line, exit status 2. */
export class UsageError extends Error {}

/** What the README's section on the command line explains at length. */
export const HELP = `simul map MODULE[#EXPORT] [FILES…]    run an export over every record, on every core
  MODULE              a file or a package; EXPORT is its default export where none is named
  FILES               lines, NDJSON, CSV or JSON by their endings; - or none: standard input
  --format F          lines, ndjson, csv or json, whatever the endings say
  --output F          write there instead of to standard output; .csv and .json choose the format
  --workers N         default: usable cores
  --retries N         more attempts for records that fail; default 0
  --timeout MS        longest running time of one attempt; default: none
  --unordered         results as they come
  --halt              stop at the first record that fails
  --resume JOURNAL    note there what is done, and go on where a stopped run was; needs --output
  --progress WHEN     auto (default), never or json; on standard error
  --kind thread       what workers are; this version has threads
simul doctor [--json]                 what this machine offers
simul --version, simul --help

Exit status: 0 all done; 1 some records failed (each on standard error); 2 wrong usage.
`;
