package dev.fescue;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** A client whose broker is the test, frame by frame, for what the real one never does. */
final class HeldClient implements AutoCloseable {
    private final Path path;
    private final ServerSocketChannel server;
    private final ExecutorService background = Executors.newCachedThreadPool();
    private Future<?> running;
    private SocketChannel channel;
    private DataInputStream in;
    private Client client;

    HeldClient() throws IOException {
        path = Files.createTempDirectory(Path.of("/tmp"), "fp").resolve("s");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
    }

    ClientOptions options() {
        return new ClientOptions().address("unix:" + path).token(Broker.TOKEN);
    }

    void inBackground(Callable<?> work) {
        running = background.submit(work);
    }

    Object outcome() throws Exception {
        return running.get(30, TimeUnit.SECONDS);
    }

    void connect(ClientOptions o) throws Exception {
        connect(o, 0x7f);
    }

    void connect(ClientOptions o, int capabilities) throws Exception {
        inBackground(() -> Client.connect(o));
        accept();
        expect(Type.HELLO);
        send(Frame.of(Type.WELCOME, 0).u8(1).u8(0).u16(capabilities).u32(1 << 20).str16("app").str16("dev").done());
        client = (Client) outcome();
    }

    Client client() {
        return client;
    }

    void accept() throws IOException {
        channel = server.accept();
        in = new DataInputStream(Channels.newInputStream(channel));
    }

    void drop() throws IOException {
        channel.close();
    }

    void send(byte[]... frames) throws IOException {
        for (byte[] frame : frames) {
            channel.write(ByteBuffer.wrap(frame));
        }
    }

    HeldWorker.Frame expect(int type) throws IOException {
        ByteBuffer header = ByteBuffer.wrap(in.readNBytes(8)).order(ByteOrder.LITTLE_ENDIAN);
        int word = header.getInt();
        HeldWorker.Frame frame = new HeldWorker.Frame(word >>> 24, header.getInt() & 0xffffffffL, in.readNBytes(word & 0xffffff));
        assertEquals(type, frame.type(), frame.text());
        return frame;
    }

    /** Takes a frame and answers OK. */
    HeldWorker.Frame grant(int type) throws IOException {
        HeldWorker.Frame frame = expect(type);
        send(Frame.of(Type.OK, frame.id(), new byte[] {(byte) type}));
        return frame;
    }

    static byte[] message(long id, String topic, String payload) {
        return Frame.of(Type.MESSAGE, id).str16(topic).text(payload).done();
    }

    @Override
    public void close() throws Exception {
        server.close();
        if (channel != null) {
            channel.close();
        }
        if (client != null) {
            client.close();
        }
        background.shutdownNow();
        Files.deleteIfExists(path);
        Files.delete(path.getParent());
    }
}
