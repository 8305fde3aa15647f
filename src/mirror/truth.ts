/** What the sites agree on for one policy: which is primary, since which epoch, and what is being done about it. */

export interface Intent {
  readonly kind: 'planned' | 'forced';
  /** The site that becomes primary. */
  readonly to: string;
  /** The epoch that it is primary with: one above the truth's. */
  readonly epoch: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Bound of the loss that a person accepted, in seconds; undefined for a planned move. */
  readonly acceptedLoss: number | undefined;
}

/** What was last read at the other site. It outlives that site, and a partition. */
export interface SeenAtPeer {
  readonly epoch: number;
  readonly primarySite: string;
  readonly at: number;
}

export interface Truth {
  readonly epoch: number;
  /** The name of a site. */
  readonly primarySite: string;
  /** Of the policy's spec, as its owner makes it. */
  readonly specHash: string;
  readonly intent: Intent | undefined;
  readonly peer: SeenAtPeer | undefined;
  readonly updatedBy: string;
  readonly updatedAt: number;
}
