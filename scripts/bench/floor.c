/* The floor under the floor: rbd_create4 from C, so that a slow binding cannot flatter.
 * usage: floor CONF POOL NAMESPACE PREFIX COUNT THREADS; prints the seconds that COUNT creates took. */
#include <pthread.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static rados_ioctx_t io;
static const char *prefix;
static int count;
static atomic_int next;
static atomic_int failed;

static void *lane(void *unused) {
  (void)unused;
  for (int index; (index = atomic_fetch_add(&next, 1)) < count;) {
    char name[128];
    snprintf(name, sizeof name, "%s-%d", prefix, index);
    rbd_image_options_t options;
    rbd_image_options_create(&options);
    rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_FEATURES, 61);
    rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_ORDER, 22);
    if (rbd_create4(io, name, 1ULL << 30, options) < 0) atomic_fetch_add(&failed, 1);
    rbd_image_options_destroy(options);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  rados_t cluster;
  if (rados_create(&cluster, "admin") < 0 || rados_conf_read_file(cluster, argv[1]) < 0) return 3;
  if (rados_connect(cluster) < 0 || rados_ioctx_create(cluster, argv[2], &io) < 0) return 4;
  rados_ioctx_set_namespace(io, argv[3]);
  prefix = argv[4];
  count = atoi(argv[5]);
  int threads = atoi(argv[6]);
  pthread_t lanes[threads];
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  for (int i = 0; i < threads; i++) pthread_create(&lanes[i], NULL, lane, NULL);
  for (int i = 0; i < threads; i++) pthread_join(lanes[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  printf("%.6f\n", (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
  return failed > 0 ? 5 : 0;
}
