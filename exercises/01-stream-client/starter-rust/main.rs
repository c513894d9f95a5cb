// main HOST PORT: send the sentence in 1023 bytes, print what comes back.
use std::env;
use std::net::TcpStream;
use std::process::exit;

const MAXPUF: usize = 1023;

fn main() {
    let words: Vec<String> = env::args().collect();
    if words.len() != 3 {
        eprintln!("usage: main HOST PORT");
        exit(2);
    }
    let mut buffer = [0u8; MAXPUF];
    let sentence = "Wir erschrecken zu guten Zwecken!".as_bytes();
    buffer[..sentence.len()].copy_from_slice(sentence);
    let _my_socket = match TcpStream::connect(format!("{}:{}", words[1], words[2])) {
        Ok(stream) => stream,
        Err(error) => {
            eprintln!("main: {error}");
            exit(1);
        }
    };
    // send the buffer, receive the whole reply, print its text
    exit(1);
}
