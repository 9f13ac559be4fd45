/* links: connect_plugin */
/* The queue between two threads: order, limits, closing while somebody sends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "plugin/mailbox.h"

enum { MESSAGES = 20000, SENDERS = 3 };

struct receiver {
    struct mailbox *mailbox;
    uint64_t last[SENDERS]; /* number of each sender's last message */
    size_t count, calls;
};

static struct message *message(size_t len)
{
    struct buf payload;
    struct message *made;

    buf_init(&payload, len);
    while (payload.len < len)
        (void)buf_append(&payload, "x", 1);
    made = message_create(MESSAGE_START, 1, 1, &payload);
    buf_done(&payload);
    return made;
}

static void ignored(void *arg)
{
    struct receiver *receiver = arg;

    receiver->calls++;
}

static void limits(void **state)
{
    struct receiver receiver = {0};
    struct mailbox *mailbox;
    struct message *taken;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_create(&loop, 3, 10, ignored, &receiver, &mailbox),
                     0);
    assert_int_equal(mailbox_send(mailbox, NULL), -ENOBUFS);
    assert_int_equal(mailbox_send(mailbox, message(11)), -ENOBUFS);
    assert_int_equal(mailbox_send(mailbox, message(10)), 0);
    assert_int_equal(mailbox_send(mailbox, message(1)), -ENOBUFS);
    assert_int_equal(mailbox_send_urgent(mailbox, message(5)), 0);
    assert_int_equal(mailbox_send(mailbox, message(0)), -ENOBUFS);
    assert_false(mailbox_has_room(mailbox, 0));
    for (int count = 0; count < 2; count++) {
        taken = mailbox_take(mailbox);
        assert_int_equal(taken->len, count ? 5 : 10);
        message_destroy(taken);
    }
    assert_null(mailbox_take(mailbox));
    assert_true(mailbox_has_room(mailbox, 10));
    for (int count = 0; count < 3; count++)
        assert_int_equal(mailbox_send(mailbox, message(0)), 0);
    assert_int_equal(mailbox_send(mailbox, message(0)), -ENOBUFS);
    (void)uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(receiver.calls, 1);
    mailbox_close(mailbox);
    mailbox_close(mailbox);
    assert_int_equal(mailbox_send_urgent(mailbox, message(0)), -ECANCELED);
    mailbox_wake(mailbox);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(receiver.calls, 1);
    /* The rest can still be taken, and is freed with the mailbox. */
    message_destroy(mailbox_take(mailbox));
    mailbox_release(mailbox);
    mailbox_release(NULL);
    assert_int_equal(uv_loop_close(&loop), 0);
}

struct sender {
    uv_thread_t thread;
    struct mailbox *mailbox;
    uint64_t number;
};

static void sender_run(void *arg)
{
    struct sender *sender = arg;

    for (uint64_t op = 1; op <= MESSAGES; op++) {
        int status;
        do
            status = mailbox_send(
                sender->mailbox,
                message_create(MESSAGE_START, sender->number, op, NULL));
        while (status == -ENOBUFS);
        if (status)
            return;
    }
}

static void receiver_look(void *arg)
{
    struct receiver *receiver = arg;
    struct message *taken;

    while ((taken = mailbox_take(receiver->mailbox))) {
        assert_int_equal(taken->op, receiver->last[taken->instance] + 1);
        receiver->last[taken->instance] = taken->op;
        receiver->count++;
        message_destroy(taken);
    }
}

static void threads(void **state)
{
    struct receiver receiver = {0};
    struct sender senders[SENDERS];
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_create(&loop, 64, 1024, receiver_look, &receiver,
                                    &receiver.mailbox),
                     0);
    for (size_t index = 0; index < SENDERS; index++) {
        senders[index].mailbox = receiver.mailbox;
        senders[index].number = index;
        assert_int_equal(uv_thread_create(&senders[index].thread, sender_run,
                                          &senders[index]),
                         0);
    }
    while (receiver.count < MESSAGES * SENDERS)
        (void)uv_run(&loop, UV_RUN_ONCE);
    for (size_t index = 0; index < SENDERS; index++)
        assert_int_equal(uv_thread_join(&senders[index].thread), 0);
    mailbox_close(receiver.mailbox);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    mailbox_release(receiver.mailbox);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* Closing while others send: they are told, and nothing is touched after. */
static void closing(void **state)
{
    struct receiver receiver = {0};
    struct sender sender = {.number = 0};
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_create(&loop, 64, 1024, receiver_look, &receiver,
                                    &receiver.mailbox),
                     0);
    sender.mailbox = receiver.mailbox;
    assert_int_equal(uv_thread_create(&sender.thread, sender_run, &sender), 0);
    while (receiver.count < 10)
        (void)uv_run(&loop, UV_RUN_ONCE);
    mailbox_close(receiver.mailbox);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(uv_thread_join(&sender.thread), 0);
    mailbox_release(receiver.mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(threads),
        cmocka_unit_test(closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
