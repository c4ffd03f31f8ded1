// Counts by bucket, as the gateway sends them: added up here for the stretch of time that is looked at.

let least = 1e-6;
let perOctave = 24;

/** The scale, as a snapshot tells it. */
export function scale(snapshot) {
  least = snapshot.bucket_least;
  perOctave = snapshot.buckets_per_octave;
}

/** The value in the middle of a bucket. */
export const middle = (bucket) => least * 2 ** ((bucket + 0.5) / perOctave);

/** Counts of several added up. Each is an object of counts by bucket, or undefined for none. */
export function merged(many) {
  const sum = new Map();
  for (const counts of many) {
    for (const bucket in counts) sum.set(+bucket, (sum.get(+bucket) ?? 0) + counts[bucket]);
  }
  return [...sum].sort((one, other) => one[0] - other[0]);
}

/** How many there are. */
export const total = (ordered) => ordered.reduce((sum, [, count]) => sum + count, 0);

/** The values below which each share of all lies, for shares that rise; nulls of none. */
export function quantiles(ordered, shares) {
  const all = total(ordered);
  if (!all) return shares.map(() => null);
  let place = -1;
  let passed = 0;
  return shares.map((share) => {
    const rank = Math.max(1, Math.ceil(share * all - 1e-9));
    while (passed < rank) passed += ordered[++place][1];
    return middle(ordered[place][0]);
  });
}

/** Shares up to the last that so many values can tell, ever closer to 1, for a plot by nines. */
export function nines(all) {
  const shares = [];
  for (let depth = 0; depth <= Math.log10(Math.max(all, 1)); depth += 0.05) shares.push(1 - 10 ** -depth);
  return shares.map((share) => Math.max(share, 1e-6));
}
