package dev.fescue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where frames are written to a link, by several threads. A frame on its own goes out at once; in a burst the
 * frames gather, and the thread that reads the link writes them together.
 */
final class Outlet {
    private static final int SIZE = 1 << 16;
    private static final long BURST = 50_000; // nanoseconds since the last write

    private final ReentrantLock lock = new ReentrantLock();
    private final ByteBuffer gathered = ByteBuffer.allocateDirect(SIZE);
    private final Link link;
    private final long patience;
    private long written = System.nanoTime() - BURST;
    private boolean woken; // whether the reading thread is about to write

    Outlet(Link link, long patience) {
        this.link = link;
        this.patience = patience;
    }

    Link link() {
        return link;
    }

    /** Writes a frame, now or very soon. Waits while the broker does not read; throws ConnectionLost if it never does. */
    void send(byte[] frame) {
        lock.lock();
        try {
            if (frame.length > gathered.remaining()) {
                flush();
            }
            if (frame.length > gathered.capacity()) {
                link.write(ByteBuffer.wrap(frame), patience);
                return;
            }
            gathered.put(frame);
            if (System.nanoTime() - written >= BURST) {
                flush();
            } else if (!woken) {
                woken = true;
                link.wakeup();
            }
        } finally {
            lock.unlock();
        }
    }

    private void flush() {
        gathered.flip();
        try {
            link.write(gathered, patience);
        } finally {
            gathered.compact();
        }
        written = System.nanoTime();
    }

    /**
     * For the reading thread, which never waits: takes its answers, and writes what has gathered, as far as there is room. False
     * if another thread is writing or there is no room; then it is to be asked again.
     */
    boolean relieve(List<byte[]> answers) {
        if (!lock.tryLock()) {
            return false;
        }
        try {
            woken = false;
            while (!answers.isEmpty() && answers.get(0).length <= gathered.remaining()) {
                gathered.put(answers.remove(0));
            }
            if (gathered.position() == 0) {
                return true;
            }
            gathered.flip();
            link.writeSome(gathered);
            gathered.compact();
            written = System.nanoTime();
            return answers.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Writes everything that has gathered. */
    void finish() {
        lock.lock();
        try {
            flush();
        } finally {
            lock.unlock();
        }
    }
}
