//! Tests of the pages, against the whole router in process.
