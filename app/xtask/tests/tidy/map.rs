//! The map in ARCHITECTURE.md names every folder that a reader will meet.

use std::fs;

use crate::tree::{folders, root};

/// The folders whose folders are on the map.
const MAPPED: [&str; 6] = ["", "app", "app/core/src", "app/web/src", "server/src", "tests"];

#[test]
fn every_folder_is_on_the_map() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md"))
        .expect("ARCHITECTURE.md holds the map of the code");
    let mut missing = Vec::new();
    for place in MAPPED {
        for name in folders(place).into_iter().filter(|name| !name.starts_with('.')) {
            if !map.contains(&format!("{name}/")) {
                missing.push(format!("{place}/{name}/"));
            }
        }
    }
    assert!(missing.is_empty(), "not on the map in ARCHITECTURE.md: {}", missing.join(", "));
}
