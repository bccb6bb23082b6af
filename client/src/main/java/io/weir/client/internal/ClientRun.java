package io.weir.client.internal;

import io.weir.client.DenseTable;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.wire.Message;

/// One worker of a run, with a session of its own.
final class ClientRun implements Run {
    private final WeirClient weir;
    private final Session session;
    private final RunOptions options;
    private final long id;
    private final int generation;
    private boolean closed;

    ClientRun(WeirClient weir, Session session, RunOptions options) {
        this.weir = weir;
        this.session = session;
        this.options = options;
        this.id = Keys.ofString(options.name());
        int home = weir.homeOf(options.name());
        Message reply = weir.control(
                home,
                new Message.JoinRun(
                        home, options.name(), options.worker(), options.workerCount(), options.continued()));
        if (!(reply instanceof Message.JoinRunReply joined)) {
            throw new WeirException(ErrorCode.INTERNAL, "joining a run was answered with something else");
        }
        this.generation = joined.generation();
        session.open(id, options.worker(), generation);
    }

    @Override
    public String name() {
        return options.name();
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public int worker() {
        return options.worker();
    }

    @Override
    public int workerCount() {
        return options.workerCount();
    }

    @Override
    public int generation() {
        return generation;
    }

    @Override
    public long clock() {
        return session.stream().clock();
    }

    @Override
    public void tick() {
        session.stream().tick();
    }

    @Override
    public Table table(TableSpec spec) {
        return new ClientTable(session, weir.create(spec, id));
    }

    @Override
    public DenseTable denseTable(TableSpec spec) {
        return new ClientDenseTable(session, weir.create(spec, id));
    }

    @Override
    public void finish() {
        if (!session.drain()) {
            throw new WeirException(
                    ErrorCode.DEADLINE_EXCEEDED,
                    "pushes were not acknowledged within the deadline: run=" + name() + ", worker=" + worker());
        }
        session.closeWorker(true);
        close();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            session.close();
        }
    }
}
