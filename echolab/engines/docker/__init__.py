"""The engine `docker`: hosts are containers on a bridge network, by Compose, in real time."""
