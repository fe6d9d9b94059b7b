//! A server in a local network that nobody vouches for: an authority of its own, whose certificate phones are told to trust, and a
//! certificate for the addresses that this machine has. Both lie in the folder `lan` of the data and are used again.
//!
//! Whoever steals the authority's key can pose as machines of local networks and as nothing else: it is limited to private addresses
//! and local names (RFC 5280, 4.2.1.10). The certificate of the server is made anew when the addresses have changed or its end is near.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use zoufang_core::record::Timestamp;

/// Browsers take no longer ones than 398 days.
const CERTIFICATE_DAYS: i64 = 397;
/// One that ends sooner is made anew at the start.
const LEFT_DAYS_MIN: i64 = 90;
const AUTHORITY_DAYS: i64 = 3_650;
/// A phone's clock may be behind.
const BEFORE: Duration = Duration::days(1);

/// What the authority may vouch for: networks that are never routed on the internet,
const NETWORKS: [(&str, u8); 7] = [
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("127.0.0.0", 8),
    ("fc00::", 7),
    ("::1", 128),
];
/// and names that are never registered there.
const DOMAINS: [&str; 4] = ["local", "localhost", "home.arpa", "internal"];

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum LanError {
    /// Something about a file.
    #[error("{what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A key or a certificate could not be made, or read.
    #[error("a certificate for the local network cannot be made")]
    Certificate(#[from] rcgen::Error),
    /// The authority's certificate is none; its folder can be deleted, and phones trust a new one then.
    #[error("{} is no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// The machine does not say which addresses it has.
    #[error("the addresses of this machine are not to be had")]
    Addresses(#[source] std::io::Error),
}

type Result<T> = std::result::Result<T, LanError>;

/// What this machine is called, as far as the authority may vouch for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Names.
    pub hosts: BTreeSet<String>,
    /// Addresses in local networks, and those of the machine itself.
    pub addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// Those that this machine has now.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn of_this_machine() -> Result<Self> {
        let found = if_addrs::get_if_addrs().map_err(LanError::Addresses)?;
        let addresses =
            found.into_iter().map(|interface| interface.ip()).chain([IpAddr::from([127, 0, 0, 1])]);
        let host = gethostname::gethostname().to_string_lossy().to_lowercase();
        let first = host.split('.').next().unwrap_or_default();
        let is_name =
            !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let host = is_name.then(|| format!("{first}.local"));
        Ok(Self {
            hosts: host.into_iter().chain(["localhost".to_owned()]).collect(),
            addresses: addresses.filter(|address| is_local(*address)).collect(),
        })
    }

    /// What phones can reach it by: everything but the machine's words for itself.
    pub fn for_phones(&self) -> impl Iterator<Item = String> + '_ {
        let addresses = self.addresses.iter().filter(|address| !address.is_loopback());
        let addresses = addresses.map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        });
        addresses.chain(self.hosts.iter().filter(|host| *host != "localhost").cloned())
    }

    fn lines(&self) -> String {
        let names = self.hosts.iter().cloned().chain(self.addresses.iter().map(ToString::to_string));
        names.fold(String::new(), |text, name| text + &name + "\n")
    }
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

/// What a server in a local network speaks TLS with.
#[derive(Clone, Debug)]
pub struct Lan {
    /// The certificate chain, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// The authority's certificate as a file that phones take.
    pub authority: PathBuf,
    /// The same, in DER.
    pub authority_der: Vec<u8>,
}

impl Lan {
    /// Takes what lies in `folder`, and makes what is missing or does not fit any more.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the machine gives no randomness.
    pub fn ready(folder: &Path, names: &Names, now: Timestamp) -> Result<Self> {
        fs::create_dir_all(folder).map_err(io("make the folder", folder))?;
        let now = OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(now.0);
        let path = |name: &str| folder.join(name);
        let (authority, issuer) = authority(&path("ca.crt"), &path("ca.key"), now)?;
        let lan = Self {
            certificate: path("server.crt"),
            key: path("server.key"),
            authority: path("ca.crt"),
            authority_der: authority,
        };
        // Which names it is for, since when, and by which authority: what the certificate says, in words that are quickly compared.
        let stamp = path("server.names");
        let fits = fs::read_to_string(&stamp).ok().is_some_and(|text| {
            let (made, rest) = text.split_once('\n').unwrap_or_default();
            let made =
                made.parse().ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
            let age = made.map(|made| (now - made).whole_days());
            let is_young = age.is_some_and(|days| (0..CERTIFICATE_DAYS - LEFT_DAYS_MIN).contains(&days));
            is_young && rest == lan.said(names) && lan.certificate.is_file() && lan.key.is_file()
        });
        if !fits {
            let key = KeyPair::generate()?;
            let certificate = server_params(names, now)?.signed_by(&key, &issuer)?;
            // Without the stamp what is half-written is made anew.
            let _ = fs::remove_file(&stamp);
            write(&lan.key, key.serialize_pem().as_bytes(), 0o600)?;
            write(&lan.certificate, certificate.pem().as_bytes(), 0o644)?;
            write(&stamp, format!("{}\n{}", now.unix_timestamp(), lan.said(names)).as_bytes(), 0o644)?;
        }
        Ok(lan)
    }

    fn said(&self, names: &Names) -> String {
        names.lines() + &self.fingerprint()
    }

    /// SHA-256 of the authority's certificate, as phones show it: compared by a person, it says that the file is ours.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for (place, byte) in Sha256::digest(&self.authority_der).iter().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            let _ = write!(text, "{colon}{byte:02X}");
        }
        text
    }
}

/// The authority's certificate in DER, and what signs in its name.
fn authority(
    certificate: &Path,
    key: &Path,
    now: OffsetDateTime,
) -> Result<(Vec<u8>, Issuer<'static, KeyPair>)> {
    if key.exists() && certificate.exists() {
        let pem = fs::read_to_string(key).map_err(io("read", key))?;
        let signing = KeyPair::from_pem(&pem)?;
        let der = CertificateDer::from_pem_file(certificate)
            .map_err(|_| LanError::NoCertificate(certificate.to_path_buf()))?;
        // Only its name and its key are used for signing, and both follow from the key.
        return Ok((der.to_vec(), Issuer::new(authority_params(&signing, now), signing)));
    }
    let signing = KeyPair::generate()?;
    let params = authority_params(&signing, now);
    let made = params.self_signed(&signing)?;
    write(key, signing.serialize_pem().as_bytes(), 0o600)?;
    write(certificate, made.pem().as_bytes(), 0o644)?;
    Ok((made.der().to_vec(), Issuer::new(params, signing)))
}

fn authority_params(key: &KeyPair, now: OffsetDateTime) -> CertificateParams {
    let mark: String =
        Sha256::digest(key.public_key_raw())[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Zoufang");
    name.push(DnType::CommonName, format!("Zoufang local network {mark}"));
    let networks = NETWORKS.iter().filter_map(|(address, prefix)| {
        let address: IpAddr = address.parse().ok()?;
        Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, *prefix)))
    });
    let domains = DOMAINS.iter().map(|domain| GeneralSubtree::DnsName((*domain).to_owned()));
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = now - BEFORE;
    params.not_after = now + Duration::days(AUTHORITY_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: networks.chain(domains).collect(),
        excluded_subtrees: Vec::new(),
    });
    params
}

fn server_params(names: &Names, now: OffsetDateTime) -> Result<CertificateParams> {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Zoufang");
    let mut params = CertificateParams::new(names.hosts.iter().cloned().collect::<Vec<_>>())?;
    params.subject_alt_names.extend(names.addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.distinguished_name = name;
    params.not_before = now - BEFORE;
    params.not_after = now - BEFORE + Duration::days(CERTIFICATE_DAYS);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn io<'p>(what: &'static str, path: &'p Path) -> impl FnOnce(std::io::Error) -> LanError + 'p {
    move |source| LanError::Io { what, path: path.to_path_buf(), source }
}

/// Whole or not at all; nobody else reads a key even for a moment.
#[cfg_attr(not(unix), expect(unused_variables, reason = "only Unix has modes"))]
fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let draft = path.with_extension("new");
    let _ = fs::remove_file(&draft);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    });
    written.map_err(io("write", path))
}
