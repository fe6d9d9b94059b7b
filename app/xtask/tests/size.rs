//! The bundle's first load stays under its limit. Makes the bundle first, unless it is there and current.

use std::process::Command;

#[test]
fn the_first_load_is_under_its_limit() {
    let status = Command::new(env!("CARGO_BIN_EXE_zoufang-xtask"))
        .args(["bundle", "--check-size"])
        .status()
        .expect("xtask starts");
    assert!(status.success(), "the bundle could not be made, or is too large: see above");
}
