package io.weir.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
    private final MemoryBudget budget = new MemoryBudget(100);

    @Test
    void givesAllOrNothing() {
        assertThat(budget.tryReserve(60)).isTrue();
        assertThat(budget.tryReserve(41)).isFalse();
        assertThat(budget.tryReserve(Long.MAX_VALUE)).isFalse();
        assertThat(budget.usedBytes()).isEqualTo(60);
        assertThat(budget.tryReserve(40)).isTrue();
    }

    @Test
    void takesBackWhatWasReserved() {
        budget.tryReserve(100);
        budget.release(100);

        assertThat(budget.tryReserve(100)).isTrue();
    }

    @Test
    void rejectsAReleaseOfMoreThanIsUsed() {
        assertThatThrownBy(() -> budget.release(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("released bytes must have been reserved: bytes=1");
    }
}
