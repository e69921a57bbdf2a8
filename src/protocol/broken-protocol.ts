/** The other side has sent what no worker of this version sends. */
export class BrokenProtocol extends Error {}
