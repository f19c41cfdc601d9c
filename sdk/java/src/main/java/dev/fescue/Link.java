package dev.fescue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/**
 * A link: the bytes of frames, to and from Data Xchange, over a stream socket.
 *
 * <p>The channel is in non-blocking mode, and waiting is done with selectors: a thread that is
 * interrupted in a blocking channel's call would close it for all.
 */
final class Link implements AutoCloseable {
    private final SocketChannel channel;
    private final Selector readable; // of the one thread that reads
    private final Selector writable; // of those that write and must wait
    private final SelectionKey reading;

    Link(SocketChannel channel) throws IOException {
        this.channel = channel;
        channel.configureBlocking(false);
        readable = Selector.open();
        writable = Selector.open();
        reading = channel.register(readable, SelectionKey.OP_READ);
        channel.register(writable, SelectionKey.OP_WRITE);
    }

    /** The link for an address such as {@code unix:/run/fescue/exchange.sock}. */
    static Link open(String address) {
        int colon = address.indexOf(':');
        String scheme = colon < 0 ? "" : address.substring(0, colon);
        String rest = address.substring(colon + 1);
        switch (scheme) {
            case "unix":
                return connect(address, UnixDomainSocketAddress.of(rest));
            case "tcp":
                return connect(address, hostAndPort(address, rest));
            case "mqueue":
                throw new FescueException("FESCUE_EXCHANGE names a message queue, which Java 17 has no system calls for",
                    "write `ipc: unix` in fescue.yaml, or leave ipc out");
            default:
                throw unknown(address);
        }
    }

    private static SocketAddress hostAndPort(String address, String rest) {
        int colon = rest.lastIndexOf(':');
        try {
            return new InetSocketAddress(rest.substring(0, Math.max(colon, 0)), Integer.parseInt(rest.substring(colon + 1)));
        } catch (IllegalArgumentException e) {
            throw unknown(address);
        }
    }

    private static FescueException unknown(String address) {
        return new FescueException("FESCUE_EXCHANGE is \"" + address + "\"",
            "the agent sets it for applications it starts; it is unix:PATH or tcp:HOST:PORT");
    }

    private static Link connect(String address, SocketAddress to) {
        try {
            SocketChannel channel = SocketChannel.open(to instanceof UnixDomainSocketAddress ? StandardProtocolFamily.UNIX : StandardProtocolFamily.INET);
            try {
                channel.connect(to);
                if (to instanceof InetSocketAddress) {
                    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                }
                return new Link(channel);
            } catch (IOException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new FescueException.ConnectionLost("connecting to Data Xchange at " + address + ": " + e.getMessage());
        }
    }

    /**
     * Reads what is there, after waiting for it so many ms (0: without end); false if there was nothing, or it was
     * woken. Throws ConnectionLost at the end. For one thread at a time, which nobody interrupts.
     */
    boolean read(ByteBuffer into, long timeout) {
        if (readNow(into)) {
            return true;
        }
        try {
            readable.select(timeout);
            readable.selectedKeys().clear();
        } catch (IOException | ClosedSelectorException e) {
            throw broken(e);
        }
        return readNow(into);
    }

    /** Reads what is there, without waiting. */
    boolean readNow(ByteBuffer into) {
        try {
            int n = channel.read(into);
            if (n < 0) {
                throw new FescueException.ConnectionLost("Data Xchange closed the session");
            }
            return n > 0;
        } catch (IOException e) {
            throw broken(e);
        }
    }

    private static FescueException broken(Exception e) {
        return new FescueException.ConnectionLost("reading from Data Xchange: " + e.getMessage());
    }

    /** Lets a read that waits return. */
    void wakeup() {
        readable.wakeup();
    }

    /** Writes what there is room for; if that is not all, the next read returns when there is room again. For the thread that reads. */
    void writeSome(ByteBuffer data) {
        try {
            channel.write(data);
            reading.interestOps(data.hasRemaining() ? SelectionKey.OP_READ | SelectionKey.OP_WRITE : SelectionKey.OP_READ);
        } catch (IOException | CancelledKeyException e) {
            throw new FescueException.ConnectionLost("writing to Data Xchange: " + e.getMessage());
        }
    }

    /** Writes all of it. Throws ConnectionLost if nothing is taken for so many ms. For one thread at a time. */
    void write(ByteBuffer data, long patience) {
        boolean interrupted = false;
        try {
            while (channel.write(data) >= 0 && data.hasRemaining()) {
                interrupted |= Thread.interrupted(); // a selector does not wait for an interrupted thread
                if (writable.select(patience) == 0 && !Thread.currentThread().isInterrupted()) {
                    throw new FescueException.ConnectionLost("Data Xchange does not read");
                }
                writable.selectedKeys().clear();
            }
        } catch (IOException | ClosedSelectorException e) {
            throw new FescueException.ConnectionLost("writing to Data Xchange: " + e.getMessage());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends the session; who waits in another thread is woken. */
    @Override
    public void close() {
        try {
            channel.close();
            readable.close();
            writable.close();
        } catch (IOException e) {
            // It is given up in any case.
        }
    }
}
