/** Threads that talk to a server, and print whatever chance and time have told them. */

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;

public class Talk {
    static void answer(Socket peer) {
        try (peer) {
            var lines = new BufferedReader(new InputStreamReader(peer.getInputStream()));
            while (lines.readLine() != null) {
                Thread.sleep(ThreadLocalRandom.current().nextInt(5));
                String text = System.nanoTime() + " " + Math.random() + "\n";
                peer.getOutputStream().write(text.getBytes());
            }
        } catch (IOException | InterruptedException error) {
            throw new RuntimeException(error);
        }
    }

    static void ask(String host, int worker, ConcurrentLinkedQueue<String> answers) {
        try (var peer = new Socket(host, 7000)) {
            var lines = new BufferedReader(new InputStreamReader(peer.getInputStream()));
            var random = new SecureRandom();
            for (int number = 0; number < 8; number++) {
                peer.getOutputStream().write((random.nextLong() + "\n").getBytes());
                answers.add(worker + " " + number + " " + lines.readLine());
                byte[][] garbage = new byte[2000][];  // so that the collector has work
                for (int one = 0; one < garbage.length; one++) garbage[one] = new byte[2000];
            }
        } catch (IOException error) {
            throw new RuntimeException(error);
        }
    }

    public static void main(String[] words) throws Exception {
        if (words[0].equals("serve")) {
            var listener = new ServerSocket(7000);
            while (true) {
                Socket peer = listener.accept();
                new Thread(() -> answer(peer)).start();
            }
        }
        var answers = new ConcurrentLinkedQueue<String>();
        List<Thread> workers = new ArrayList<>();
        for (int worker = 0; worker < 4; worker++) {
            int own = worker;
            workers.add(new Thread(() -> ask(words[1], own, answers)));
            workers.get(worker).start();
        }
        for (Thread worker : workers) worker.join();
        Set<Object> objects = new HashSet<>();  // its order follows from identityHashCode
        for (String one : answers) objects.add(new Object() {
            public String toString() { return one; }
        });
        for (Object one : objects) System.out.println(one + " " + System.identityHashCode(one));
        System.out.println(System.currentTimeMillis() + " " + System.nanoTime());
    }
}
