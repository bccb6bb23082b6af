package io.weir.shard;

import io.weir.wire.Message;
import java.util.ArrayList;
import java.util.List;

/// The workers of one copy of the model, at the home shard of their run: one, unless replicas are sliced. Confined to
/// the thread inside the shard.
final class Replica {
    final List<Member> members = new ArrayList<>();
    int portion = Portions.NONE;

    /// For how long some of them have waited for others that are gone.
    int brokenMs;

    /// Whether none of them is gone.
    boolean isWhole() {
        return members.size() == 1 || members.stream().noneMatch(Member::isGone);
    }

    /// Whether all of them are there, hold nothing, and ask for a portion.
    boolean asks() {
        return portion == Portions.NONE
                && members.stream()
                        .allMatch(member -> member.state == HomeRun.ACTIVE && !member.waitsForPortion.isEmpty());
    }

    /// Answers those who ask for a portion.
    void replyAll(Message answer) {
        members.forEach(member -> member.waitsForPortion.reply(answer));
    }
}
