//! Sources and outcomes over the real stores, with a clock that stands still.
