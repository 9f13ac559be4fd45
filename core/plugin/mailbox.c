/* mailbox.c - a list under a mutex, and a uv_async that says "look".
 *
 * What must always hold: uv_async_send is called under the mutex and only while
 * the mailbox is open, so it never touches a closing handle.  Memory lives
 * until the last reference, because a thread that hangs in a plugin may come
 * back at any time. */
#include "plugin/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"

struct mailbox {
    uv_async_t async; /* first; of the receiving loop */
    atomic_uint references;
    size_t count_max, bytes_max;
    mailbox_fn *fn; /* loop thread */
    void *arg;      /* borrowed; loop thread */
    uv_mutex_t mutex;
    struct message *list; /* from here on under the mutex */
    size_t count, bytes;
    bool closed;
};

static void mailbox_ring(uv_async_t *async)
{
    struct mailbox *mailbox = async->data;

    mailbox->fn(mailbox->arg);
}

int mailbox_create(uv_loop_t *loop, size_t count_max, size_t bytes_max,
                   mailbox_fn *fn, void *arg, struct mailbox **ret_mailbox)
{
    struct mailbox *mailbox = memory_zero(1, sizeof(*mailbox));
    int status = uv_mutex_init(&mailbox->mutex);

    if (status) {
        free(mailbox);
        return status;
    }
    status = uv_async_init(loop, &mailbox->async, mailbox_ring);
    if (status) {
        uv_mutex_destroy(&mailbox->mutex);
        free(mailbox);
        return status;
    }
    mailbox->async.data = mailbox;
    mailbox->count_max = count_max;
    mailbox->bytes_max = bytes_max;
    mailbox->fn = fn;
    mailbox->arg = arg;
    atomic_init(&mailbox->references, 2);
    *ret_mailbox = mailbox;
    return 0;
}

static bool room_for(const struct mailbox *mailbox, size_t len)
{
    /* Urgent messages may have gone beyond the limits. */
    return mailbox->count < mailbox->count_max &&
           mailbox->bytes <= mailbox->bytes_max &&
           len <= mailbox->bytes_max - mailbox->bytes;
}

static int mailbox_append(struct mailbox *mailbox, struct message *message,
                          bool urgent)
{
    int status = 0;

    if (!message)
        return -ENOBUFS;
    uv_mutex_lock(&mailbox->mutex);
    if (mailbox->closed)
        status = -ECANCELED;
    else if (!urgent && !room_for(mailbox, message->len))
        status = -ENOBUFS;
    if (!status) {
        DL_APPEND(mailbox->list, message);
        mailbox->count++;
        mailbox->bytes += message->len;
        (void)uv_async_send(&mailbox->async);
    }
    uv_mutex_unlock(&mailbox->mutex);
    if (status)
        message_destroy(message);
    return status;
}

int mailbox_send(struct mailbox *mailbox, struct message *message)
{
    return mailbox_append(mailbox, message, false);
}

int mailbox_send_urgent(struct mailbox *mailbox, struct message *message)
{
    return mailbox_append(mailbox, message, true);
}

bool mailbox_has_room(struct mailbox *mailbox, size_t len)
{
    bool room;

    uv_mutex_lock(&mailbox->mutex);
    room = !mailbox->closed && room_for(mailbox, len);
    uv_mutex_unlock(&mailbox->mutex);
    return room;
}

void mailbox_wake(struct mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->mutex);
    if (!mailbox->closed)
        (void)uv_async_send(&mailbox->async);
    uv_mutex_unlock(&mailbox->mutex);
}

struct message *mailbox_take(struct mailbox *mailbox)
{
    struct message *message;

    uv_mutex_lock(&mailbox->mutex);
    message = mailbox->list;
    if (message) {
        DL_DELETE(mailbox->list, message);
        mailbox->count--;
        mailbox->bytes -= message->len;
    }
    uv_mutex_unlock(&mailbox->mutex);
    return message;
}

static void mailbox_closed(uv_handle_t *handle)
{
    mailbox_release(handle->data);
}

void mailbox_close(struct mailbox *mailbox)
{
    bool closed;

    uv_mutex_lock(&mailbox->mutex);
    closed = mailbox->closed;
    mailbox->closed = true;
    uv_mutex_unlock(&mailbox->mutex);
    if (!closed)
        uv_close((uv_handle_t *)&mailbox->async, mailbox_closed);
}

void mailbox_release(struct mailbox *mailbox)
{
    struct message *message;

    if (!mailbox || atomic_fetch_sub(&mailbox->references, 1) > 1)
        return;
    while ((message = mailbox_take(mailbox)))
        message_destroy(message);
    uv_mutex_destroy(&mailbox->mutex);
    free(mailbox);
}
