//! The status is the fold of the entries, and sums are exact.
