//! What the API server would refuse.

pub mod name_invalid;
