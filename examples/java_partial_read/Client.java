import java.io.InputStream;
import java.net.Socket;

/** Reads a message of 20,000 bytes, and prints how many it has: Client wrong|right HOST PORT */
public class Client {
    public static void main(String[] words) throws Exception {
        byte[] message = new byte[20_000];
        try (Socket socket = new Socket(words[1], Integer.parseInt(words[2]))) {
            InputStream input = socket.getInputStream();
            boolean whole = words[0].equals("right");
            System.out.println(whole ? input.readNBytes(message, 0, 20_000) : input.read(message));
        }
    }
}
