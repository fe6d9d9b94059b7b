//! `--lan`: a phone that trusts this machine's own authority, and nothing else, is served; its key is nobody else's to read, and both
//! stay over a restart.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};
use zoufang_core::record::Timestamp;
use zoufang_server::lan::{Lan, Names};
use zoufang_tests::Server;

/// A client that trusts one authority.
fn trusting(authority: &Path) -> Agent {
    let pem = fs::read(authority).unwrap();
    let roots = RootCerts::Specific(Arc::new(vec![Certificate::from_pem(&pem).unwrap().to_owned()]));
    let tls = TlsConfig::builder().root_certs(roots).build();
    Agent::config_builder().tls_config(tls).build().into()
}

fn get(agent: &Agent, url: &str) -> Result<Vec<u8>, ureq::Error> {
    agent.get(url).call()?.into_body().read_to_vec()
}

#[test]
fn a_phone_that_trusts_the_authority_is_served_and_another_is_not() {
    let mut server = Server::start_with(&[], &[("ZOUFANG_LAN", "true")]).unwrap();
    let folder = server.folder().join("lan");
    let key = fs::metadata(folder.join("ca.key")).unwrap().permissions().mode() & 0o777;
    assert_eq!(key, 0o600, "{key:o}");
    let url = format!("https://127.0.0.1:{}", server.port());
    let phone = trusting(&folder.join("ca.crt"));
    assert_eq!(get(&phone, &format!("{url}/healthz")).unwrap(), b"ok");
    // What is offered is what is trusted.
    let offered = get(&phone, &format!("{url}/ca.crt")).unwrap();
    let first = fs::read_to_string(folder.join("ca.crt")).unwrap();
    assert_eq!(
        Lan::ready(&folder, &Names::of_this_machine().unwrap(), now()).unwrap().authority_der,
        offered
    );

    // A machine with another authority is somebody else.
    let other = tempfile::tempdir().unwrap();
    let other = Lan::ready(other.path(), &Names::of_this_machine().unwrap(), now()).unwrap();
    assert!(get(&trusting(&other.authority), &format!("{url}/healthz")).is_err());

    server.kill();
    server.run().unwrap();
    assert_eq!(fs::read_to_string(folder.join("ca.crt")).unwrap(), first, "phones trust it already");
    assert_eq!(get(&phone, &format!("{url}/healthz")).unwrap(), b"ok");
}

fn now() -> Timestamp {
    zoufang_tests::device::now()
}

fn names(address: &str) -> Names {
    Names { hosts: ["localhost".to_owned()].into(), addresses: [address.parse().unwrap()].into() }
}

const DAY_MS: i64 = 86_400_000;

#[test]
fn the_certificate_is_made_anew_for_other_addresses_and_before_its_end_and_the_authority_stays() {
    let folder = tempfile::tempdir().unwrap();
    let lan = |address: &str, days: i64| {
        let lan = Lan::ready(folder.path(), &names(address), Timestamp(now().0 + days * DAY_MS)).unwrap();
        (fs::read_to_string(&lan.certificate).unwrap(), lan.fingerprint())
    };
    let (first, authority) = lan("192.168.1.2", 0);
    assert_eq!(lan("192.168.1.2", 300).0, first, "it is good for a year");
    let (moved, _) = lan("10.0.0.7", 0);
    assert_ne!(moved, first);
    let (old, _) = lan("10.0.0.7", 310);
    assert_ne!(old, moved, "its end is near");
    assert_eq!(lan("10.0.0.7", 310).1, authority);
}

/// As another program reads it: `openssl`, where it is there.
#[test]
fn a_stolen_authority_vouches_for_no_other_address_and_no_certificate_lasts_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let verifies = |address: &str| {
        let lan = Lan::ready(folder.path(), &names(address), now()).unwrap();
        let verified = std::process::Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"])
            .args([&lan.authority, &lan.certificate])
            .output();
        let text = std::process::Command::new("openssl")
            .args(["x509", "-noout", "-dates", "-in"])
            .arg(&lan.certificate)
            .output();
        verified.and_then(|verified| {
            Ok((verified.status.success(), String::from_utf8_lossy(&text?.stdout).into_owned()))
        })
    };
    let Ok((fits, dates)) = verifies("192.168.1.2") else {
        eprintln!("openssl is not here: not compared");
        return;
    };
    assert!(fits, "a private address");
    assert!(dates.contains("notBefore=") && dates.contains("notAfter="), "{dates}");
    assert!(!verifies("8.8.8.8").unwrap().0, "an address of the internet");
}
