import dev.fescue.Client;
import dev.fescue.Message;
import dev.fescue.Policy;
import dev.fescue.SubscribeOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Iterator;

/** The two roles of a measurement, as ../side.go describes them, with the Java SDK. */
final class Side {
    private static final String THERE = "bench/there";
    private static final String BACK = "bench/back";
    private static final long ANSWER = 1L << 63;

    private final Client client;
    private final String out;
    private final ByteBuffer made;
    private final Iterator<Message> received;
    private long n;

    private Side(Client client, int size, String out, String back) {
        this.client = client;
        this.out = out;
        made = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < size; i++) {
            made.put(i, (byte) (i % 251));
        }
        received = client.subscribe(back, new SubscribeOptions().policy(Policy.BLOCK).queue(4096)).iterator();
    }

    private byte[] message(long number) {
        made.putLong(0, number).putLong(made.capacity() - 8, number);
        return made.array();
    }

    /** Waits for the next message and verifies all of it. */
    private byte[] expect(long number) {
        byte[] payload = received.next().payload();
        long flag = payload.length > 7 && payload[7] < 0 ? ANSWER : 0;
        if (!Arrays.equals(payload, message(number | flag))) {
            throw new IllegalStateException("message " + number + " is not the one that was due");
        }
        return payload;
    }

    private void answer() {
        while (true) {
            byte[] payload = expect(n++);
            if (payload[7] < 0) {
                client.publish(out, payload);
            }
        }
    }

    private void trips(int count) {
        long[] times = new long[count];
        for (int i = 0; i < count; i++) {
            long begin = System.nanoTime();
            client.publish(out, message(n | ANSWER));
            expect(n++);
            times[i] = System.nanoTime() - begin;
        }
        Arrays.sort(times);
        System.out.println(times[count / 2] + " " + times[(int) (count * 99L / 100)]);
    }

    private void flow(int count) {
        long begin = System.nanoTime();
        for (long last = n + count - 1; n < last; n++) {
            client.publish(out, message(n));
        }
        client.publish(out, message(n | ANSWER));
        expect(n++);
        System.out.println(System.nanoTime() - begin);
    }

    public static void main(String[] args) throws IOException {
        boolean answers = args[0].equals("answer");
        try (Client client = Client.connect()) {
            Side side = new Side(client, Integer.parseInt(args[1]), answers ? BACK : THERE, answers ? THERE : BACK);
            System.out.println("ready");
            if (answers) {
                side.answer();
            }
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] words = line.split(" ");
                int count = Integer.parseInt(words[1]);
                if (words[0].equals("trips")) {
                    side.trips(count);
                } else {
                    side.flow(count);
                }
            }
        }
    }
}
