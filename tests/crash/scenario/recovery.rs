//! A phone whose PIN is forgotten asks to be let in, and is.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use zoufang_core::{
    record::DeviceId,
    seal::{DataKey, KeyId, RecoveryRequest, RecoverySlot, SecretKey},
};
use zoufang_server::keys::Keys;
use zoufang_tests::{Device, Launch, post::base64};

use super::{Scenario, anything, as_it_is, nothing, some, worked};
use crate::{ground::Ground, launch};

const PATH: &str = "/api/v1/recovery";
/// What is on the stick of the recovery key.
const STICK: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
const KEY_VARIABLE: &str = "ZOUFANG_RECOVERY_PUBLIC_KEY";

fn public_key() -> zoufang_core::seal::PublicKey {
    Keys::of_text(STICK).unwrap().recovery().public()
}

fn id(device: &Device) -> DeviceId {
    device.phone().account().unwrap().device
}

fn request(device: DeviceId) -> RecoveryRequest {
    let key = DataKey::from_parts(KeyId(1), &[7; 32]);
    let slot = RecoverySlot::seal(public_key(), device, &key, [1; 32]).unwrap();
    RecoveryRequest { slot, answer_to: SecretKey::of_seed(&[2; 32]).public() }
}

fn ask(device: &Device) -> Result<()> {
    let request = base64(&minicbor::to_vec(request(id(device)))?);
    device.call("PUT", PATH, &serde_json::json!({ "request": request }).to_string()).map(drop)
}

fn state(device: &Device) -> Result<String> {
    let said: serde_json::Value = serde_json::from_str(&device.call("GET", PATH, "")?)?;
    Ok(said["state"].as_str().unwrap_or_default().to_owned())
}

fn ask_and_take_back(device: &Device) -> Result<()> {
    ask(device)?;
    ensure!(state(device)? == "waiting");
    device.call("DELETE", PATH, "")?;
    ensure!(state(device)? == "none");
    Ok(())
}

/// Phones are told the recovery key; one asks, and takes that back.
pub(crate) fn asks_to_be_let_in<G: Ground>() -> Scenario<G> {
    let (ground, device) = worked(some, as_it_is);
    Scenario {
        name: "asks to be let in",
        ground,
        device,
        act: |launch, device, _| {
            let key: String = public_key().0.iter().map(|byte| format!("{byte:02x}")).collect();
            if let Ok(process) = launch.with(KEY_VARIABLE, key).serve() {
                device.move_to(&process.url());
                let _ = ask_and_take_back(device);
            }
        },
        again: nothing,
        sign_in: |device| ask_and_take_back(device).unwrap(),
        end: anything,
        dies_at: |name| name.starts_with("recovery."),
        points_min: 6,
    }
}

/// Whoever has the recovery key lets it in.
pub(crate) fn is_let_in<G: Ground>() -> Scenario<G> {
    let (ground, mut device): (G, Device) = worked(some, as_it_is);
    let process = launch(&ground).serve().unwrap();
    device.move_to(&process.url());
    ask(&device).unwrap();
    drop(process);
    Scenario {
        name: "is let in",
        ground,
        device,
        act: |launch, device, log| let_in(launch, id(device), log),
        again: nothing,
        // It is let in or it is not, and asks on in both cases.
        sign_in: |device| assert!(["waiting", "answered"].contains(&&*state(device).unwrap())),
        end: anything,
        dies_at: |_| true,
        points_min: 2,
    }
}

fn let_in(launch: &Launch, device: DeviceId, log: &Path) {
    let file = log.with_file_name("recovery.key");
    fs::write(&file, STICK).unwrap();
    let (device, number) = (device.to_string(), request(device).check_number());
    let words = ["recover", "--device", &device, "--check", &number, "--key", file.to_str().unwrap()];
    launch.call(&words, "").unwrap();
}
