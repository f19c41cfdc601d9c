package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A worker whose link a test holds. */
final class HeldWorker implements AutoCloseable {
    /** Connects, puts the socket at descriptor 3, and becomes the program: Java can hand down no descriptor. */
    private static final String CONNECT = "use Socket; use POSIX; $^F = 99; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;"
        + "connect($s, sockaddr_un(shift)) or die; POSIX::dup2(fileno($s), 3) or die; exec @ARGV";

    record Frame(int type, long id, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    private final Process process;
    private final SocketChannel channel;
    private final DataInputStream in;

    HeldWorker(String handler, String... env) {
        try {
            Path path = Files.createTempDirectory(Path.of("/tmp"), "fw").resolve("s");
            try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                server.bind(UnixDomainSocketAddress.of(path));
                List<String> argv = new ArrayList<>(List.of("perl", "-e", CONNECT, path.toString()));
                argv.addAll(WorkerProcess.argv());
                ProcessBuilder builder = new ProcessBuilder(argv).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD);
                builder.environment().put("FESCUE_HANDLER", handler);
                for (int i = 0; i < env.length; i += 2) {
                    builder.environment().put(env[i], env[i + 1]);
                }
                process = builder.start();
                channel = server.accept();
            }
            Files.delete(path);
            Files.delete(path.getParent());
            in = new DataInputStream(Channels.newInputStream(channel));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One that has said READY, with a handler of {@link Handlers}. */
    static HeldWorker ready(String handler, String concurrency, String... env) {
        List<String> all = new ArrayList<>(List.of(env));
        all.addAll(List.of("FESCUE_CONCURRENCY", concurrency));
        HeldWorker held = new HeldWorker(handler.startsWith("dev.") ? handler : "dev.fescue.Handlers::" + handler, all.toArray(new String[0]));
        held.expect(Type.HELLO);
        held.expect(Type.READY);
        held.send(welcome());
        return held;
    }

    void send(byte[]... frames) {
        try {
            for (byte[] frame : frames) {
                channel.write(ByteBuffer.wrap(frame));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next frame; null at the end. */
    private Frame next() {
        try {
            int first = in.read();
            if (first < 0) {
                return null;
            }
            byte[] rest = in.readNBytes(7);
            ByteBuffer header = ByteBuffer.allocate(8).order(java.nio.ByteOrder.LITTLE_ENDIAN).put((byte) first).put(rest);
            int word = header.getInt(0);
            return new Frame(word >>> 24, header.getInt(4) & 0xffffffffL, in.readNBytes(word & 0xffffff));
        } catch (IOException e) {
            return null;
        }
    }

    Frame expect(int type) {
        Frame frame = next();
        assertEquals(type, frame == null ? -1 : frame.type(), frame == null ? "the worker ended" : frame.text());
        return frame;
    }

    void expectEnd() {
        assertNull(next());
    }

    void end() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int status() {
        try {
            assertEquals(true, process.waitFor(30, TimeUnit.SECONDS), "the worker did not end");
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        end();
        process.destroyForcibly();
    }

    static byte[] welcome() {
        return dev.fescue.Frame.of(Type.WELCOME, 0).u8(1).u8(0).u16(0x7f).u32(1 << 20).str16("app").str16("dev").done();
    }

    static byte[] invocation(long id, String payload) {
        return dev.fescue.Frame.of(Type.INVOKE, id).u32(3000).u8(0).text(payload).done();
    }
}
