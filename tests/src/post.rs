//! What a device's service worker does (`public/post.js`): its own key, and delivering what waits without a session.

use anyhow::{Context, Result, bail};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use zoufang_core::{
    phone::Table,
    record::DeviceId,
    sync::parcel::{CONTENT_TYPE, Fate, encode_body, seal, signed, signed_key},
};

use crate::Device;

/// The key pair as it is kept, so that a device can be copied.
pub type KeyBytes = Vec<u8>;

fn key_of(kept: &[u8]) -> Result<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, kept, &SystemRandom::new())
        .map_err(|_| anyhow::anyhow!("not a key"))
}

fn sign(key: &EcdsaKeyPair, message: &[u8]) -> Result<Vec<u8>> {
    let signature = key.sign(&SystemRandom::new(), message);
    Ok(signature.map_err(|_| anyhow::anyhow!("no signature"))?.as_ref().to_vec())
}

/// Bytes as base64.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
        text.push_str(&"=="[three.len() - 1..]);
    }
    text
}

/// base64url without padding.
fn base64url(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

impl Device {
    /// Draws the device's key, if it has none, and lets the server know it.
    ///
    /// # Errors
    /// When nobody is signed in, or the server refuses or cannot be reached.
    pub fn introduce(&mut self) -> Result<()> {
        let account = self.phone().account().context("nobody is signed in")?;
        let (device, token) = (account.device, account.token.clone().unwrap_or_default());
        if self.key.is_empty() {
            let drawn = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            self.key = drawn.map_err(|_| anyhow::anyhow!("no key"))?.as_ref().to_vec();
        }
        let key = key_of(&self.key)?;
        let body = [key.public_key().as_ref(), &sign(&key, &signed_key(device))?].concat();
        let request = ureq::put(format!("{}/api/v1/device-key", self.base()));
        let answer = request.header("authorization", format!("Bearer {token}")).send(&body)?;
        if answer.status() == 204 { Ok(()) } else { bail!("{}", answer.status()) }
    }

    /// Delivers everything that waits, without a session; what became of each, oldest first. Nothing is taken off: the receipts come
    /// with a sync.
    ///
    /// # Errors
    /// When the device has not introduced itself, knows no key of the server, or the server refuses or cannot be reached.
    pub fn deliver(&mut self) -> Result<Vec<Fate>> {
        let device = self.phone().account().context("nobody is signed in")?.device;
        let to = self.phone().sync_key().context("the server has said no key")?;
        let mut parcels = Vec::new();
        for (_, _, clear) in self.disk().rows().filter(|(table, _, _)| *table == Table::Parcel) {
            let mut seed = [0; 32];
            SystemRandom::new().fill(&mut seed).map_err(|_| anyhow::anyhow!("no chance"))?;
            parcels.push(seal(clear.to_vec(), to, seed)?);
        }
        self.post(device, &encode_body(parcels.iter().map(Vec::as_slice)))
    }

    /// Says that nothing is left on this device, after it was revoked.
    ///
    /// # Errors
    /// When it has no key, or the server refuses or cannot be reached.
    pub fn say_wiped(&self) -> Result<()> {
        let device = self.phone().account().context("nobody is signed in")?.device;
        let signature = sign(&key_of(&self.key)?, &signed(device, b"wiped"))?;
        ureq::post(format!("{}/api/v1/device-wiped", self.base()))
            .header("x-zoufang-device", device.to_string())
            .header("x-zoufang-signature", base64url(&signature))
            .send_empty()?;
        Ok(())
    }

    /// Asks the server for something with this device's session; gives the body of a good answer.
    ///
    /// # Errors
    /// When nobody is signed in, or the server refuses or cannot be reached.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let token = self.phone().account().and_then(|account| account.token.clone());
        let token = format!("Bearer {}", token.context("nobody is signed in")?);
        let url = format!("{}{path}", self.base());
        let answer = match method {
            "GET" => ureq::get(url).header("authorization", token).call()?,
            "DELETE" => ureq::delete(url).header("authorization", token).call()?,
            _ => {
                let request = if method == "PUT" { ureq::put(url) } else { ureq::post(url) };
                let request = request.header("authorization", token);
                request.header("content-type", "application/json").send(body)?
            }
        };
        Ok(answer.into_body().read_to_string()?)
    }

    fn post(&self, device: DeviceId, body: &[u8]) -> Result<Vec<Fate>> {
        let signature = sign(&key_of(&self.key)?, &signed(device, body))?;
        let answer = ureq::post(format!("{}/api/v1/parcels", self.base()))
            .header("content-type", CONTENT_TYPE)
            .header("x-zoufang-device", device.to_string())
            .header("x-zoufang-signature", base64url(&signature))
            .send(body)?;
        let fates = answer.into_body().read_to_vec()?.into_iter().map(|fate| {
            let all = [Fate::Stored, Fate::Refused, Fate::Pending, Fate::Unreadable];
            all.into_iter().find(|known| *known as u8 == fate).context("no fate")
        });
        fates.collect()
    }
}
