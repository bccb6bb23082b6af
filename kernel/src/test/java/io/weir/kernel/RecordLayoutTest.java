package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class RecordLayoutTest {
    @Test
    void padsRecordsToSixteenBytes() {
        assertThat(RecordLayout.recordBytes(2 * 16)).isEqualTo(16 + 128);
        assertThat(RecordLayout.recordBytes(3)).isEqualTo(32);
        assertThat(RecordLayout.recordBytes(1)).isEqualTo(32);
        assertThat(RecordLayout.recordBytes(4)).isEqualTo(32);
        assertThat(RecordLayout.recordBytes(5)).isEqualTo(48);
        assertThat(RecordLayout.recordBytes(3L << 30)).isEqualTo(16 + (12L << 30));
    }

    @Test
    void keepsHeaderFieldsApart() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment records = arena.allocate(64, 16);
            RecordLayout.putKey(records, 16, 0x1122334455667788L);
            RecordLayout.putStamp(records, 16, 0x99aabbcc);
            RecordLayout.putPushCount(records, 16, 0xddeeff01);
            assertThat(RecordLayout.key(records, 16)).isEqualTo(0x1122334455667788L);
            assertThat(RecordLayout.stamp(records, 16)).isEqualTo(0x99aabbcc);
            assertThat(RecordLayout.pushCount(records, 16)).isEqualTo(0xddeeff01);
            assertThat(records.get(ValueLayout.JAVA_BYTE, 16)).isEqualTo((byte) 0x88);
            assertThat(records.get(ValueLayout.JAVA_BYTE, 31)).isEqualTo((byte) 0xdd);
            assertThat(RecordLayout.rowOffset(16)).isEqualTo(32);
            assertThat(RecordLayout.recordOffset(32)).isEqualTo(16);
            assertThat(RecordLayout.slotOffset(32, 1, 8)).isEqualTo(32 + 64);
        }
    }

    @Test
    void refusesEmptyRows() {
        assertThatThrownBy(() -> RecordLayout.recordBytes(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a record has at least one weight: valueLength=0");
    }
}
