//! Gathering into maps and sets by inserting.
//!
//! `collect` into a tree map sorts first, and each type of element gets a sort of its own: three dozen of them were a
//! twentieth of the code that every phone loads. What is gathered here is small, and mostly in order already.

/// What an iterator gives, in a map or a set.
pub fn gather<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut gathered = C::default();
    gathered.extend(items);
    gathered
}
