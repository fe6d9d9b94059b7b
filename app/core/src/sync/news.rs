//! Reads the server's news: a stream of server-sent events (`GET /api/v1/news`), as its bytes come in.

/// Longest line: ours have some thirty bytes.
const LINE_BYTES_MAX: usize = 1024;

/// Cuts a stream of events into the data of each.
#[derive(Debug, Default)]
pub struct NewsReader {
    line: Vec<u8>,
    too_long: bool,
}

impl NewsReader {
    /// Takes the next bytes and gives the texts of the `data` lines that they complete; comments and names are passed over,
    /// as are lines that are too long or no text.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut data = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    let whole = !std::mem::take(&mut self.too_long);
                    let text = String::from_utf8(line).ok().filter(|_| whole);
                    data.extend(
                        text.and_then(|line| line.strip_prefix("data:").map(|data| data.trim().to_owned())),
                    );
                }
                _ if self.line.len() < LINE_BYTES_MAX => self.line.push(*byte),
                _ => self.too_long = true,
            }
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_make_no_difference_and_comments_say_nothing() {
        let stream = ":\n\nevent: unit\r\ndata: {\"unit\":12,\"seq\":34}\n\ndata:{}\n\ndata: half".as_bytes();
        for cut in 0..stream.len() {
            let mut reader = NewsReader::default();
            let mut data = reader.push(&stream[..cut]);
            data.extend(reader.push(&stream[cut..]));
            assert_eq!(data, ["{\"unit\":12,\"seq\":34}", "{}"], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_an_end_takes_no_memory() {
        let mut reader = NewsReader::default();
        for _ in 0..100 {
            assert!(reader.push(&[b'x'; 4096]).is_empty());
        }
        assert!(reader.line.capacity() <= 2 * LINE_BYTES_MAX);
        assert_eq!(reader.push(b"\ndata: 1\n"), ["1"], "the next line is read");
    }
}
