#include "e2e.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const ten_blocks[] = {"--network", "lode-regtest", "--blocks", "10", "--progress", NULL};

E2E(cluster, two_workers_mine_ten_blocks_and_all_end_with_status_0, 150)
{
    struct e2e_coordinator c = e2e_coordinator("coordinator", ten_blocks);
    struct e2e_proc w1 = e2e_worker("w1", &c), w2 = e2e_worker("w2", &c);
    cr_assert_eq(e2e_wait(&c.proc), 0);
    char *out = e2e_text("coordinator.out");
    int lines = 0;
    for (const char *at = out; (at = strchr(at, '\n')); at++)
        lines++;
    cr_assert_geq(lines, 10);
    cr_assert_eq(strncmp(out, "block 1  ", 9), 0, "%s", out);
    cr_assert_not_null(strstr(out, "[10/10]"), "%s", out);
    free(out);
    e2e_until_said("w1.err", "event=start"); /* ten blocks are a matter of milliseconds: one may not have begun yet */
    e2e_until_said("w2.err", "event=start");
    e2e_signal(&w1, SIGTERM);
    e2e_signal(&w2, SIGTERM);
    cr_assert_eq(e2e_wait(&w1), 0);
    cr_assert_eq(e2e_wait(&w2), 0);
}

E2E(cluster, the_chain_of_a_network_with_retarget_is_exported_and_verified, 300)
{
    static const char *const lode[] = {"--network", "lode", "--spacing", "1s", "--half-life", "1s", NULL};
    char line[2 * E2E_PATH];
    json_t *tree = NULL;
    struct e2e_coordinator c = e2e_coordinator("coordinator", lode);
    struct e2e_proc w1 = e2e_worker("w1", &c), w2 = e2e_worker("w2", &c);
    e2e_until(&c, "height", 2);
    snprintf(line, sizeof line, "chain export %s", e2e_path("chain.bin"));
    cr_assert_eq(e2e_ctl(&c, line, &tree), 0);
    long long headers = json_integer_value(json_object_get(tree, "headers"));
    cr_assert_geq(headers, 3);
    json_decref(tree);
    snprintf(line, sizeof line, "chain verify --network lode --spacing 1 --half-life 1 %s", e2e_path("chain.bin"));
    cr_assert_eq(e2e_ctl(NULL, line, &tree), 0);
    cr_assert(json_is_true(json_object_get(tree, "ok")));
    cr_assert_eq(json_integer_value(json_object_get(tree, "headers")), headers);
    json_decref(tree);
    cr_assert_gt(w1.pid + w2.pid, 0);
}

E2E(cluster, a_flipped_byte_of_an_export_is_found_with_height_and_code, 150)
{
    char line[2 * E2E_PATH];
    uint8_t byte;
    json_t *tree = NULL;
    struct e2e_coordinator c = e2e_coordinator("coordinator", NULL);
    struct e2e_proc w = e2e_worker("w1", &c);
    e2e_until(&c, "height", 8);
    snprintf(line, sizeof line, "chain export %s", e2e_path("chain.bin"));
    cr_assert_eq(e2e_ctl(&c, line, NULL), 0);
    int fd = open(e2e_path("chain.bin"), O_RDWR);
    off_t at = 5 * 80 + 10; /* in the previous hash of block 5 */
    cr_assert_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    snprintf(line, sizeof line, "chain verify --network lode-regtest %s", e2e_path("chain.bin"));
    cr_assert_eq(e2e_ctl(NULL, line, &tree), 1);
    cr_assert(json_is_false(json_object_get(tree, "ok")));
    cr_assert_eq(json_integer_value(json_object_get(tree, "height")), 5);
    cr_assert_str_eq(json_string_value(json_object_get(tree, "code")), "link");
    json_decref(tree);
    cr_assert_gt(w.pid, 0);
}

E2E(cluster, sigterm_stops_everything_within_a_second, 150)
{
    struct e2e_coordinator c = e2e_coordinator("coordinator", NULL);
    struct e2e_proc w1 = e2e_worker("w1", &c), w2 = e2e_worker("w2", &c);
    e2e_until(&c, "workers", 2);
    e2e_until(&c, "height", 3);
    long long begun = e2e_now_ms();
    e2e_signal(&w1, SIGTERM);
    e2e_signal(&w2, SIGTERM);
    e2e_signal(&c.proc, SIGTERM);
    cr_assert_eq(e2e_wait(&w1), 0);
    cr_assert_eq(e2e_wait(&w2), 0);
    cr_assert_eq(e2e_wait(&c.proc), 0);
    long long took = e2e_now_ms() - begun;
    cr_log_info("stopped in %lld ms", took);
}

E2E(cluster, lodectl_stop_ends_it_cleanly, 150)
{
    struct e2e_coordinator c = e2e_coordinator("coordinator", NULL);
    cr_assert_eq(e2e_ctl(&c, "health", NULL), 0);
    cr_assert_eq(e2e_ctl(&c, "stop", NULL), 0);
    cr_assert_eq(e2e_wait(&c.proc), 0);
    cr_assert_eq(e2e_ctl(&c, "status", NULL), 3);
}

E2E(cluster, http_and_lodectl_see_the_blocks_that_were_posted, 150)
{
    json_t *mined = NULL, *chain = NULL, *stats = NULL, *added = NULL;
    struct e2e_coordinator c = e2e_coordinator("coordinator", NULL);
    struct e2e_proc w = e2e_worker("w1", &c);
    cr_assert_eq(e2e_http(&c, "/mine", "{\"data\":\"hello\",\"goroutines\":3}", &mined), 200);
    const json_t *blocks = json_object_get(mined, "blocks");
    cr_assert_eq(json_array_size(blocks), 3);
    cr_assert_eq(e2e_http(&c, "/blocks", "{\"data\":\"one more\"}", &added), 201);
    cr_assert_eq(e2e_http(&c, "/blocks", NULL, &chain), 200);
    for (size_t i = 0; i < 3; i++) {
        const json_t *block = json_array_get(blocks, i);
        size_t index = (size_t)json_integer_value(json_object_get(block, "index"));
        cr_assert(json_equal(json_array_get(chain, index), (json_t *)(uintptr_t)block), "block %zu differs", index);
        char data[32];
        snprintf(data, sizeof data, "hello-worker-%zu", i);
        cr_assert_str_eq(json_string_value(json_object_get(block, "data")), data);
        cr_assert_str_eq(json_string_value(json_object_get(block, "worker")), "w1");
    }
    for (size_t i = 1; i < json_array_size(chain); i++)
        cr_assert(json_equal(json_object_get(json_array_get(chain, i), "previous_hash"),
                             json_object_get(json_array_get(chain, i - 1), "hash")));
    cr_assert_eq(e2e_http(&c, "/stats", NULL, &stats), 200);
    cr_assert_geq(json_integer_value(json_object_get(json_object_get(stats, "cluster"), "height")), 4);
    json_decref(mined);
    json_decref(added);
    json_decref(chain);
    json_decref(stats);
    cr_assert_gt(w.pid, 0);
}

E2E(cluster, lodectl_mines_through_the_control_socket, 150)
{
    json_t *tree = NULL;
    struct stat st;
    struct e2e_coordinator c = e2e_coordinator("coordinator", NULL);
    struct e2e_proc w = e2e_worker("w1", &c);
    cr_assert_eq(stat(c.control + strlen("ipc://"), &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(e2e_ctl(&c, "mine --count 2 a b", &tree), 0);
    cr_assert_eq(json_array_size(json_object_get(tree, "blocks")), 4);
    json_decref(tree);
    cr_assert_eq(e2e_ctl(&c, "workers", &tree), 0);
    const json_t *worker = json_array_get(json_object_get(tree, "workers"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(worker, "name")), "w1");
    json_decref(tree);
    cr_assert_gt(w.pid, 0);
}
