//! What a person at the server's machine is told about `--lan`: where phones find it, and how they are made to trust it.

use std::net::SocketAddr;

use crate::lan::{Lan, Names};

/// The address under which the server gives its authority's certificate.
pub(super) const AUTHORITY_PATH: &str = "/ca.crt";

/// The whole text, in both languages.
pub(super) fn instructions(lan: &Lan, names: &Names, listening: SocketAddr) -> String {
    let port = listening.port();
    let urls: Vec<String> = names.for_phones().map(|name| format!("https://{name}:{port}")).collect();
    let list: String = urls.iter().map(|url| format!("    {url}\n")).collect();
    let file = lan.authority.display();
    let first = urls.first().cloned().unwrap_or_else(|| format!("https://127.0.0.1:{port}"));
    let (download, mark) = (format!("{first}{AUTHORITY_PATH}"), lan.fingerprint());
    format!(
        "\n\n局域网访问地址 / addresses in this network:\n{list}\n\
         证书文件 / certificate: {file}\n\
         SHA-256: {mark}\n\n\
         让手机信任这台电脑（每部手机做一次）：\n\
         1. 手机连同一个网络，用浏览器打开 {download}（会提示不安全，点“高级—继续”），或把上面的证书文件拷到手机。\n\
         2. 安卓：设置 → 安全 → 加密与凭据 → 安装证书 → CA 证书，选这个文件；再在“信任的凭据 → 用户”里核对 SHA-256。\n\
         3. 苹果：设置 → 已下载描述文件 → 安装；再到 通用 → 关于本机 → 证书信任设置，打开它；核对 SHA-256。\n\
         4. SHA-256 与上面一字不差才算对；不一样就删掉它，不要登录。\n\
         这个证书只对内网地址有效。\n\n\
         To make a phone trust this machine (once for each phone):\n\
         1. In the same network, open {download} in its browser (it warns: Advanced, Continue), or copy the file above to the phone.\n\
         2. Android: Settings, Security, Encryption & credentials, Install a certificate, CA certificate: choose the file; then compare\n\
         \u{20}  the SHA-256 under Trusted credentials, User.\n\
         3. iPhone: Settings, Profile Downloaded, Install; then General, About, Certificate Trust Settings: switch it on. Compare the SHA-256.\n\
         4. It must be the one above, every letter. If it is not, delete it and do not sign in.\n\
         The certificate is good for addresses of local networks only.\n"
    )
}
