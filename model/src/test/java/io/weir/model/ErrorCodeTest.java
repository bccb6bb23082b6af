package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ErrorCodeTest {
    /// These numbers cross the network: one that was given is never given again.
    @Test
    void numbersAreTheOnesOfTheProtocol() {
        Map<String, Integer> numbers = new LinkedHashMap<>();
        for (ErrorCode code : ErrorCode.values()) {
            numbers.put(code.name(), code.number());
        }
        Map<String, Integer> expected = new LinkedHashMap<>();
        String[] caller = {
            "INVALID_ARGUMENT", "UNKNOWN_TABLE", "TABLE_MISMATCH", "NON_FINITE", "UNKNOWN_WORKER", "FENCED",
            "MAP_MISMATCH", "VERSION_MISMATCH", "MALFORMED_FRAME", "LIMIT_EXCEEDED", "RUN_FINISHED", "RUN_MISMATCH",
            "WRONG_SHARD", "REJECTED", "UNKNOWN_RUN", "LATE"
        };
        String[] retry = {
            "BUSY", "MEMORY_EXCEEDED", "GAP", "UNAVAILABLE", "DEADLINE_EXCEEDED", "STOPPING", "KEYS_FORGOTTEN"
        };
        String[] fault = {"SERVER_RESTARTED", "CORRUPT", "INTERNAL"};
        for (int i = 0; i < caller.length; i++) {
            expected.put(caller[i], 1 + i);
        }
        for (int i = 0; i < retry.length; i++) {
            expected.put(retry[i], 1001 + i);
        }
        for (int i = 0; i < fault.length; i++) {
            expected.put(fault[i], 2001 + i);
        }
        assertThat(numbers).isEqualTo(expected);
    }

    @Test
    void rangesSayWhatMayBeTriedAgain() {
        for (ErrorCode code : ErrorCode.values()) {
            int number = code.number();
            assertThat(number).as(code.name()).isBetween(1, 3000);
            assertThat(code.isRetryable()).as(code.name()).isEqualTo(number >= 1001 && number <= 2000);
            assertThat(ErrorCode.ofNumber(number)).isEqualTo(code);
        }
    }

    @Test
    void readsNumbersOfLaterVersionsAsInternal() {
        for (int number : new int[] {0, -1, 1000, 1999, 2999, Integer.MAX_VALUE}) {
            assertThat(ErrorCode.ofNumber(number)).isEqualTo(ErrorCode.INTERNAL);
        }
    }

    @Test
    @SuppressWarnings("NullAway") // the point is what happens to callers that do not check
    void exceptionsAlwaysHaveACode() {
        assertThatNullPointerException()
                .isThrownBy(() -> new WeirException(null, "x"))
                .withMessage("code");
        WeirException exception = new WeirException(ErrorCode.BUSY, "x", new IllegalStateException("y"));
        assertThat(exception.code()).isEqualTo(ErrorCode.BUSY);
        assertThat(exception).hasMessage("x").hasRootCauseMessage("y");
    }
}
