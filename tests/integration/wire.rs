//! A wire to a server that can be listened to and that fails as it is told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// The server is never asked; the answer is this status.
    Refused(u16),
    /// The server is asked, and of its answer only half comes.
    CutShort,
    /// The server is asked, and its answer is lost.
    Lost,
}

/// What becomes of a request, by its first line and its number.
type Rule = Box<dyn FnMut(&str, usize) -> Fate + Send>;

/// A wire from a port of its own to a server's.
pub struct Wire {
    /// Where it listens.
    pub port: u16,
    log: Arc<Mutex<Vec<String>>>,
    rule: Arc<Mutex<Rule>>,
}

impl Wire {
    /// A wire that hands everything on.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Box::new(|_, _| Fate::Answered)));
        let wire = Self {
            port,
            log: Arc::clone(&log),
            rule: Arc::clone(&rule),
        };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, rule) = (Arc::clone(&log), Arc::clone(&rule));
                std::thread::spawn(move || carry(client, server, &log, &rule));
            }
        });
        wire
    }

    /// From now on, requests fare as this says.
    pub fn rule(&self, rule: impl FnMut(&str, usize) -> Fate + Send + 'static) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
        self.heard();
    }

    /// The first lines of the requests since this was last asked.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request and its answer; then the connection is closed.
fn carry(mut client: TcpStream, server: u16, log: &Mutex<Vec<String>>, rule: &Mutex<Rule>) {
    let limit = Some(Duration::from_secs(60));
    let _ = client.set_read_timeout(limit);
    let Some((head, body)) = request(&mut client) else {
        return;
    };
    let line = head.lines().next().unwrap_or_default().to_owned();
    let number = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(line.clone());
        log.len()
    };
    let fate = rule.lock().unwrap_or_else(PoisonError::into_inner)(&line, number);
    if let Fate::Refused(status) = fate {
        let answer =
            format!("HTTP/1.1 {status} refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = client.write_all(answer.as_bytes());
        return;
    }
    let mut answer = Vec::new();
    let asked = TcpStream::connect(("127.0.0.1", server)).and_then(|mut server| {
        server.set_read_timeout(limit)?;
        let (first, rest) = head.split_once("\r\n").unwrap_or((&head, ""));
        server.write_all(format!("{first}\r\nConnection: close\r\n{rest}").as_bytes())?;
        server.write_all(&body)?;
        server.read_to_end(&mut answer)
    });
    if asked.is_err() || fate == Fate::Lost {
        return;
    }
    let start = find(&answer, b"\r\n\r\n").map_or(answer.len(), |i| i + 4);
    let end = match fate {
        Fate::CutShort => start + (answer.len() - start) / 2,
        _ => answer.len(),
    };
    let _ = client.write_all(&answer[..end]);
    let _ = client.shutdown(Shutdown::Both);
}

/// A request's head, with its last empty line, and its body.
fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length: usize = head
        .lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(end);
    while body.len() < length {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(n) => body.extend_from_slice(&buffer[..n]),
        }
    }
    // Connections are not kept: their own wish to be is not handed on.
    let head: Vec<&str> = head
        .split("\r\n")
        .filter(|l| !l.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    Some((head.join("\r\n"), body))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}
