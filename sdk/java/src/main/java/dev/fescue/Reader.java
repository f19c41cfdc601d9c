package dev.fescue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Takes frames out of a stream, over one buffer that is read into again and again. A frame larger than the buffer
 * has one of its own while it passes.
 */
final class Reader {
    static final int SIZE = 1 << 17; // a message of 64 KiB and its header fit

    /** Who is given the frames. */
    interface Taker {
        void frame(int type, long id, Body body);
    }

    private final Taker taker;
    private final Body body = new Body();
    private ByteBuffer buffer = little(SIZE);

    Reader(Taker taker) {
        this.taker = taker;
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Where to read into. */
    ByteBuffer room() {
        return buffer;
    }

    /** Gives the whole frames that have been read; extensions are passed over. */
    void take() {
        buffer.flip();
        while (buffer.remaining() >= 8) {
            int at = buffer.position();
            int word = buffer.getInt(at);
            int length = word & 0xffffff;
            if (buffer.remaining() < 8 + length) {
                break;
            }
            long id = buffer.getInt(at + 4) & 0xffffffffL;
            buffer.position(at + 8);
            one(word >>> 24, id, length);
            buffer.position(at + 8 + length);
        }
        makeRoom();
    }

    private void one(int type, long id, int length) {
        int least = Type.leastFromBroker(type);
        if (least < 0) {
            if (type < Type.EXTENSION) {
                throw new FescueException.Malformed("a frame of type 0x" + Integer.toHexString(0x100 | type).substring(1));
            }
            return;
        }
        if (length < least) {
            throw new FescueException.Malformed("a frame of type 0x" + Integer.toHexString(0x100 | type).substring(1) + " is too short");
        }
        body.set(buffer, length);
        taker.frame(type, id, body);
    }

    private void makeRoom() {
        int wanted = buffer.remaining() < 8 ? 8 : 8 + (buffer.getInt(buffer.position()) & 0xffffff);
        int size = Math.max(wanted, SIZE);
        if (size == buffer.capacity()) {
            buffer.compact();
            return;
        }
        ByteBuffer other = little(size);
        other.put(buffer);
        buffer = other;
    }
}
