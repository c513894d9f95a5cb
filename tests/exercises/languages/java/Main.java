import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** main HOST PORT: send the sentence in 1023 bytes, print what comes back. */
public class Main {
    static final int MAXPUF = 1023;
    static final String SENTENCE = "Wir erschrecken zu guten Zwecken!";

    public static void main(String[] arguments) throws Exception {
        byte[] message = Arrays.copyOf(SENTENCE.getBytes(StandardCharsets.UTF_8), MAXPUF);
        try (Socket socket = new Socket(arguments[0], Integer.parseInt(arguments[1]))) {
            socket.getOutputStream().write(message);
            byte[] reply = socket.getInputStream().readNBytes(MAXPUF);
            if (reply.length < MAXPUF) {
                System.err.println("main: the server closed after " + reply.length + " bytes");
                System.exit(1);
            }
            int length = 0;
            while (length < reply.length && reply[length] != 0) {
                length++;
            }
            System.out.println(new String(reply, 0, length, StandardCharsets.UTF_8));
        }
    }
}
