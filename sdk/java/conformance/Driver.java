package dev.fescue.conformance;

import dev.fescue.Change;
import dev.fescue.Client;
import dev.fescue.ClientOptions;
import dev.fescue.ConsumeOptions;
import dev.fescue.Delivery;
import dev.fescue.FescueException;
import dev.fescue.LogLevel;
import dev.fescue.Message;
import dev.fescue.Past;
import dev.fescue.Policy;
import dev.fescue.SubscribeOptions;
import dev.fescue.Subscription;
import dev.fescue.Value;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * The SDK as the conformance run drives it: commands on standard input, answers and events on standard output, as
 * sdk/conformance/README.md says.
 */
final class Driver {
    private static final HexFormat HEX = HexFormat.of();

    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private final Map<String, Subscription<?>> streams = new ConcurrentHashMap<>();
    private final Map<String, Subscription<?>> watches = new ConcurrentHashMap<>();
    private final Map<String, Delivery> open = new ConcurrentHashMap<>(); // by name and sequence
    private Client client;
    private boolean held;

    private Driver() {}

    public static void main(String[] arguments) throws IOException {
        new Driver().obey(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
        System.exit(0);
    }

    private void obey(BufferedReader lines) throws IOException {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            try {
                say(("ok " + run(words)).trim());
            } catch (FescueException e) {
                say("error " + nameOf(e) + " " + e.getMessage().replace('\n', ' '));
            } catch (UnsupportedOperationException e) {
                say("error unsupported");
            } catch (NoSuchElementException e) {
                say("error not-found");
            }
            if (words[0].equals("close")) {
                return;
            }
        }
    }

    private synchronized void say(String line) {
        out.println(line);
    }

    /** The specification's name of an error. */
    private static String nameOf(FescueException e) {
        if (e instanceof FescueException.ConnectionLost) {
            return "connection-lost";
        }
        return e instanceof FescueException.Closed ? "closed" : e.code();
    }

    private static byte[] bytes(String hex) {
        return hex.equals("-") ? new byte[0] : HEX.parseHex(hex);
    }

    private static String hex(byte[] payload) {
        return payload.length == 0 ? "-" : HEX.formatHex(payload);
    }

    /** Obeys a command, and gives the values of its answer. */
    private String run(String[] w) {
        return switch (w[0]) {
            case "connect" -> connect();
            case "publish" -> done(() -> client.publish(w[1], bytes(w[2])));
            case "confirm" -> done(() -> client.publishConfirmed(w[1], bytes(w[2])));
            case "flood" -> done(() -> flood(w[1], Integer.parseInt(w[2]), Integer.parseInt(w[3])));
            case "subscribe" -> done(() -> subscribe(w));
            case "credit" -> done(() -> streams.get(w[1]).credit(Integer.parseInt(w[2])));
            case "unsubscribe" -> done(() -> streams.get(w[1]).close());
            case "hold" -> done(() -> hold(true));
            case "resume" -> done(() -> hold(false));
            case "respond" -> done(() -> streams.put(w[1], client.respond(w[2], this::reversed)));
            case "request" -> hex(client.request(w[1], bytes(w[3]), Duration.ofMillis(Long.parseLong(w[2]))).payload());
            case "log" -> done(() -> client.log(LogLevel.values()[Integer.parseInt(w[1])], new String(bytes(w[2]), StandardCharsets.UTF_8)));
            case "drain" -> done(client::drain);
            case "close" -> done(client::close);
            default -> kept(w);
        };
    }

    private String kept(String[] w) {
        return switch (w[0]) {
            case "store" -> done(() -> client.store(w[1], bytes(w[2])));
            case "consume" -> done(() -> consume(w));
            case "done" -> done(() -> open.get(w[1] + " " + w[2]).done());
            case "again" -> done(() -> again(open.get(w[1] + " " + w[2]), w[3]));
            case "reject" -> done(() -> open.get(w[1] + " " + w[2]).reject());
            case "forget" -> done(() -> client.forget(w[1]));
            case "history" -> history(w);
            case "get" -> get(w[1]);
            case "put" -> "" + client.state().put(w[1], bytes(w[2]), Duration.ofSeconds(Long.parseLong(w[3])));
            case "put-if" -> "" + client.state().putIf(w[1], bytes(w[2]), Long.parseLong(w[3]));
            case "delete" -> done(() -> client.state().delete(w[1]));
            case "delete-if" -> done(() -> client.state().deleteIf(w[1], Long.parseLong(w[2])));
            case "watch" -> done(() -> watch(w[1], w[2]));
            case "unwatch" -> done(() -> watches.get(w[1]).close());
            case "keys" -> String.join(" ", client.state().keys(w[1]));
            default -> throw new UnsupportedOperationException(w[0]);
        };
    }

    private static String done(Runnable command) {
        command.run();
        return "";
    }

    private String connect() {
        String address = System.getenv("FESCUE_EXCHANGE");
        if (address != null && address.startsWith("mqueue:")) {
            throw new UnsupportedOperationException("no such link");
        }
        client = Client.connect(new ClientOptions().onError(e -> say("trouble " + nameOf(e))));
        return client.application() + " " + client.device();
    }

    private void flood(String topic, int number, int size) {
        byte[] payload = new byte[size];
        Arrays.fill(payload, (byte) 'x');
        ByteBuffer counter = ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
        for (int n = 0; n < number; n++) {
            counter.putInt(0, n);
            client.publish(topic, payload);
        }
    }

    private void subscribe(String[] w) {
        SubscribeOptions options = new SubscribeOptions()
            .policy(Policy.valueOf(w[3].toUpperCase(Locale.ROOT).replace('-', '_'))).queue(Integer.parseInt(w[4]));
        if (!w[5].equals("-")) {
            options.credit(Integer.parseInt(w[5]));
        }
        Subscription<Message> s = client.subscribe(w[2], options);
        streams.put(w[1], s);
        follow(w[1], s, m -> say("message " + w[1] + " " + m.topic() + " " + hex(m.payload())));
    }

    private void consume(String[] w) {
        ConsumeOptions options = new ConsumeOptions().deadLetter(w[8].equals("-") ? "" : w[8]);
        if (w[4].equals("oldest")) {
            options.fromOldest();
        }
        if (!w[5].equals("0")) {
            options.window(Integer.parseInt(w[5]));
        }
        if (!w[6].equals("0")) {
            options.patience(Duration.ofMillis(Long.parseLong(w[6])));
        }
        if (!w[7].equals("0")) {
            options.attempts(Integer.parseInt(w[7]));
        }
        Subscription<Delivery> s = client.consume(w[3], w[2], options);
        streams.put(w[1], s);
        follow(w[1], s, d -> {
            open.put(w[1] + " " + d.sequence(), d);
            say(String.join(" ", "delivery", w[1], "" + d.sequence(), "" + d.attempt(), d.maybeBefore() ? "1" : "0", d.topic(), hex(d.payload())));
        });
    }

    private static void again(Delivery d, String delay) {
        if (delay.equals("-")) {
            d.again();
        } else {
            d.again(Duration.ofMillis(Long.parseLong(delay)));
        }
    }

    private String history(String[] w) {
        int limit = Integer.parseInt(w[4]);
        List<Past> past = client.history(w[1], time(w[2]), time(w[3]), Math.abs(limit), limit < 0);
        past.forEach(p -> say("past " + p.sequence() + " " + p.time().toEpochMilli() + " " + p.topic() + " " + hex(p.payload())));
        return "" + past.size();
    }

    private static Instant time(String ms) {
        return ms.equals("0") ? null : Instant.ofEpochMilli(Long.parseLong(ms));
    }

    private String get(String key) {
        Value value = client.state().get(key).orElseThrow();
        return value.revision() + " " + hex(value.bytes());
    }

    private void watch(String name, String filter) {
        Subscription<Change> s = client.state().watch(filter);
        watches.put(name, s);
        follow(name, s, c -> say(String.join(" ", "change", name, c.kind().name().toLowerCase(Locale.ROOT), "" + c.revision(),
            c.key().isEmpty() ? "-" : c.key(), hex(c.bytes()))));
    }

    private byte[] reversed(Message message) {
        passWhenNotHeld();
        if (message.text().equals("fail")) {
            throw new IllegalStateException("as asked");
        }
        byte[] in = message.payload();
        byte[] turned = new byte[in.length];
        for (int i = 0; i < in.length; i++) {
            turned[i] = in[in.length - 1 - i];
        }
        return turned;
    }

    private synchronized void hold(boolean now) {
        held = now;
        notifyAll();
    }

    private synchronized void passWhenNotHeld() {
        try {
            while (held) {
                wait();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Says what comes, until it ends. */
    private <T> void follow(String name, Subscription<T> items, Consumer<T> event) {
        Thread thread = new Thread(() -> {
            try {
                for (T item : items) {
                    passWhenNotHeld();
                    event.accept(item);
                }
            } catch (FescueException e) {
                say("ended " + name + " " + nameOf(e));
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
