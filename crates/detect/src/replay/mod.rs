//! Rules run over recorded events: what they would have decided, beside what was decided.
//!
//! A record holds everything its verdict used, so a replay needs nothing else. Two questions
//! are answered per event. *Does the record still hold?* The rule version that decided judges
//! again and must come to the same verdict, bit for bit. *What would the candidate do?* It
//! judges the same facts with the counters as they were read then; a counter that the deciding
//! rule did not have is made anew from the events, in event time ([`Counters`]).
//!
//! Pure: who reads the events, keeps the counters and runs the threads is elsewhere.

mod candidate;
mod judge;
mod tally;

pub use candidate::Candidate;
pub use judge::{Agreement, Counters, Judge, Judged, Recorded, Unjudged};
pub use tally::{
    Change, Direction, EXAMPLES, Row, SAMPLES, SOURCES_MAX, Source, Tally, Unreplayed,
};

#[cfg(test)]
mod tests;
