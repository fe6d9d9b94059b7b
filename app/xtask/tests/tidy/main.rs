//! Checks of the tree that no compiler makes: crate arrows, what may stand where, the map of the code, lock files.

mod arrows;
mod locks;
mod map;
mod sources;
mod tree;
