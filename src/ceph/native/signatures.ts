/**
 * Every C function that Loligo calls, as koffi reads it: the only list of names handed to koffi.
 * A test holds it to the `Implements:` blocks of the binding and to the installed headers.
 */
export const LIBRADOS = {
  rados_create2: 'int rados_create2(_Out_ void **cluster, const char *clustername, const char *name, uint64_t flags)',
  rados_conf_set: 'int rados_conf_set(void *cluster, const char *option, const char *value)',
  rados_connect: 'int rados_connect(void *cluster)',
  rados_shutdown: 'void rados_shutdown(void *cluster)',
  rados_cluster_fsid: 'int rados_cluster_fsid(void *cluster, void *buf, size_t len)',
  rados_getaddrs: 'int rados_getaddrs(void *cluster, _Out_ void **addrs)',
  rados_buffer_free: 'void rados_buffer_free(void *buf)',
  rados_lock_exclusive:
    'int rados_lock_exclusive(void *io, const char *oid, const char *name, const char *cookie, const char *desc, void *duration, uint8_t flags)',
  rados_unlock: 'int rados_unlock(void *io, const char *oid, const char *name, const char *cookie)',
  rados_blocklist_add: 'int rados_blocklist_add(void *cluster, const char *client_address, uint32_t expire_seconds)',
  rados_wait_for_latest_osdmap: 'int rados_wait_for_latest_osdmap(void *cluster)',
  rados_mon_command:
    'int rados_mon_command(void *cluster, const char **cmd, size_t cmdlen, const char *inbuf, size_t inbuflen, _Out_ void **outbuf, void *outbuflen, _Out_ void **outs, void *outslen)',
  rados_pool_list: 'int rados_pool_list(void *cluster, void *buf, size_t len)',
  rados_pool_reverse_lookup: 'int rados_pool_reverse_lookup(void *cluster, int64_t id, void *buf, size_t maxlen)',
  rados_ioctx_create: 'int rados_ioctx_create(void *cluster, const char *pool_name, _Out_ void **ioctx)',
  rados_ioctx_destroy: 'void rados_ioctx_destroy(void *io)',
  rados_ioctx_set_namespace: 'void rados_ioctx_set_namespace(void *io, const char *nspace)',
  rados_ioctx_get_id: 'int64_t rados_ioctx_get_id(void *io)',
  rados_set_pool_full_try: 'void rados_set_pool_full_try(void *io)',
  rados_stat: 'int rados_stat(void *io, const char *o, void *psize, void *pmtime)',
  rados_remove: 'int rados_remove(void *io, const char *oid)',
  rados_notify2:
    'int rados_notify2(void *io, const char *o, const void *buf, int buf_len, uint64_t timeout_ms, _Out_ void **reply_buffer, void *reply_buffer_len)',
  rados_create_read_op: 'void *rados_create_read_op()',
  rados_release_read_op: 'void rados_release_read_op(void *read_op)',
  rados_read_op_set_flags: 'void rados_read_op_set_flags(void *read_op, int flags)',
  rados_read_op_exec_user_buf:
    'void rados_read_op_exec_user_buf(void *read_op, const char *cls, const char *method, void *in_buf, size_t in_len, void *out_buf, size_t out_len, void *used_len, void *prval)',
  rados_read_op_read:
    'void rados_read_op_read(void *read_op, uint64_t offset, size_t len, void *buffer, void *bytes_read, void *prval)',
  rados_read_op_omap_get_vals2:
    'void rados_read_op_omap_get_vals2(void *read_op, const char *start_after, const char *filter_prefix, uint64_t max_return, _Out_ void **iter, void *pmore, void *prval)',
  rados_read_op_omap_get_vals_by_keys2:
    'void rados_read_op_omap_get_vals_by_keys2(void *read_op, const char **keys, size_t num_keys, const size_t *key_lens, _Out_ void **iter, void *prval)',
  rados_read_op_operate: 'int rados_read_op_operate(void *read_op, void *io, const char *oid, int flags)',
  rados_omap_get_next2: 'int rados_omap_get_next2(void *iter, _Out_ void **key, _Out_ void **val, void *key_len, void *val_len)',
  rados_omap_get_end: 'void rados_omap_get_end(void *iter)',
  rados_create_write_op: 'void *rados_create_write_op()',
  rados_release_write_op: 'void rados_release_write_op(void *write_op)',
  rados_write_op_create: 'void rados_write_op_create(void *write_op, int exclusive, const char *category)',
  rados_write_op_assert_exists: 'void rados_write_op_assert_exists(void *write_op)',
  rados_write_op_write_full: 'void rados_write_op_write_full(void *write_op, const void *buffer, size_t len)',
  rados_write_op_cmpext:
    'void rados_write_op_cmpext(void *write_op, const void *cmp_buf, size_t cmp_len, uint64_t off, int *prval)',
  rados_write_op_remove: 'void rados_write_op_remove(void *write_op)',
  rados_write_op_exec:
    'void rados_write_op_exec(void *write_op, const char *cls, const char *method, void *in_buf, size_t in_len, void *prval)',
  rados_write_op_omap_cmp2:
    'void rados_write_op_omap_cmp2(void *write_op, const char *key, uint8_t comparison_operator, const void *val, size_t key_len, size_t val_len, void *prval)',
  rados_write_op_omap_set2:
    'void rados_write_op_omap_set2(void *write_op, const char **keys, const char **vals, const size_t *key_lens, const size_t *val_lens, size_t num)',
  rados_write_op_omap_rm_keys2:
    'void rados_write_op_omap_rm_keys2(void *write_op, const char **keys, const size_t *key_lens, size_t keys_len)',
  rados_write_op_operate2: 'int rados_write_op_operate2(void *write_op, void *io, const char *oid, void *mtime, int flags)',
} as const;

export const LIBRBD = {
  rbd_image_options_create: 'void rbd_image_options_create(_Out_ void **opts)',
  rbd_image_options_destroy: 'void rbd_image_options_destroy(void *opts)',
  rbd_image_options_set_string: 'int rbd_image_options_set_string(void *opts, int optname, const char *optval)',
  rbd_image_options_set_uint64: 'int rbd_image_options_set_uint64(void *opts, int optname, uint64_t optval)',
  rbd_create4: 'int rbd_create4(void *io, const char *name, uint64_t size, void *opts)',
  rbd_clone3:
    'int rbd_clone3(void *p_ioctx, const char *p_name, const char *p_snapname, void *c_ioctx, const char *c_name, void *c_opts)',
  rbd_remove: 'int rbd_remove(void *io, const char *name)',
  rbd_rename: 'int rbd_rename(void *src_io_ctx, const char *srcname, const char *destname)',
  rbd_open: 'int rbd_open(void *io, const char *name, _Out_ void **image, const char *snap_name)',
  rbd_open_by_id: 'int rbd_open_by_id(void *io, const char *id, _Out_ void **image, const char *snap_name)',
  rbd_open_read_only: 'int rbd_open_read_only(void *io, const char *name, _Out_ void **image, const char *snap_name)',
  rbd_open_by_id_read_only: 'int rbd_open_by_id_read_only(void *io, const char *id, _Out_ void **image, const char *snap_name)',
  rbd_close: 'int rbd_close(void *image)',
  rbd_resize2: 'int rbd_resize2(void *image, uint64_t size, bool allow_shrink, void *cb, void *cbdata)',
  rbd_get_size: 'int rbd_get_size(void *image, void *size)',
  rbd_metadata_set: 'int rbd_metadata_set(void *image, const char *key, const char *value)',
  rbd_metadata_remove: 'int rbd_metadata_remove(void *image, const char *key)',
  rbd_watchers_list: 'int rbd_watchers_list(void *image, void *watchers, void *max_watchers)',
  rbd_watchers_list_cleanup: 'void rbd_watchers_list_cleanup(void *watchers, size_t num_watchers)',
  rbd_list_lockers:
    'int64_t rbd_list_lockers(void *image, void *exclusive, void *tag, void *tag_len, void *clients, void *clients_len, void *cookies, void *cookies_len, void *addrs, void *addrs_len)',
  rbd_flatten_with_progress: 'int rbd_flatten_with_progress(void *image, rbd_progress *cb, void *cbdata)',
  rbd_update_features: 'int rbd_update_features(void *image, uint64_t features, uint8_t enabled)',
  rbd_snap_get_id: 'int rbd_snap_get_id(void *image, const char *snapname, void *snap_id)',
  rbd_snap_create2: 'int rbd_snap_create2(void *image, const char *snap_name, uint32_t flags, void *cb, void *cbdata)',
  rbd_snap_remove: 'int rbd_snap_remove(void *image, const char *snapname)',
  rbd_snap_remove_by_id: 'int rbd_snap_remove_by_id(void *image, uint64_t snap_id)',
  rbd_snap_set_by_id: 'int rbd_snap_set_by_id(void *image, uint64_t snap_id)',
  rbd_diff_iterate2:
    'int rbd_diff_iterate2(void *image, const char *fromsnapname, uint64_t ofs, uint64_t len, uint8_t include_parent, uint8_t whole_object, rbd_diff_extent *cb, void *arg)',
  rbd_trash_move: 'int rbd_trash_move(void *io, const char *name, uint64_t delay)',
  rbd_trash_remove_with_progress:
    'int rbd_trash_remove_with_progress(void *io, const char *id, bool force, rbd_progress *cb, void *cbdata)',
  rbd_trash_restore: 'int rbd_trash_restore(void *io, const char *id, const char *name)',
  rbd_aio_create_completion: 'int rbd_aio_create_completion(void *cb_arg, void *complete_cb, _Out_ void **c)',
  rbd_aio_is_complete: 'int rbd_aio_is_complete(void *c)',
  rbd_aio_get_return_value: 'int64_t rbd_aio_get_return_value(void *c)',
  rbd_aio_release: 'void rbd_aio_release(void *c)',
  rbd_aio_open_by_id: 'int rbd_aio_open_by_id(void *io, const char *id, void *image, const char *snap_name, void *c)',
  rbd_aio_close: 'int rbd_aio_close(void *image, void *c)',
  rbd_pool_metadata_get: 'int rbd_pool_metadata_get(void *io_ctx, const char *key, void *value, void *val_len)',
  rbd_pool_metadata_set: 'int rbd_pool_metadata_set(void *io_ctx, const char *key, const char *value)',
  rbd_mirror_site_name_get: 'int rbd_mirror_site_name_get(void *cluster, void *name, void *max_len)',
  rbd_mirror_site_name_set: 'int rbd_mirror_site_name_set(void *cluster, const char *name)',
  rbd_mirror_mode_set: 'int rbd_mirror_mode_set(void *io_ctx, rbd_mirror_mode_t mirror_mode)',
  rbd_mirror_peer_site_add:
    'int rbd_mirror_peer_site_add(void *io_ctx, void *uuid, size_t uuid_max_length, rbd_mirror_peer_direction_t direction, const char *site_name, const char *client_name)',
  rbd_mirror_peer_site_set_name: 'int rbd_mirror_peer_site_set_name(void *io_ctx, const char *uuid, const char *site_name)',
  rbd_mirror_peer_site_set_client_name:
    'int rbd_mirror_peer_site_set_client_name(void *io_ctx, const char *uuid, const char *client_name)',
  rbd_mirror_peer_site_set_direction:
    'int rbd_mirror_peer_site_set_direction(void *io_ctx, const char *uuid, rbd_mirror_peer_direction_t direction)',
  rbd_mirror_peer_site_remove: 'int rbd_mirror_peer_site_remove(void *io_ctx, const char *uuid)',
  rbd_mirror_peer_site_get_attributes:
    'int rbd_mirror_peer_site_get_attributes(void *p, const char *uuid, void *keys, void *max_key_len, void *values, void *max_value_len, void *key_value_count)',
  rbd_mirror_peer_site_set_attributes:
    'int rbd_mirror_peer_site_set_attributes(void *p, const char *uuid, const void *keys, const void *values, size_t key_value_count)',
  rbd_mirror_image_enable2: 'int rbd_mirror_image_enable2(void *image, rbd_mirror_image_mode_t mode)',
  rbd_mirror_image_disable: 'int rbd_mirror_image_disable(void *image, bool force)',
  rbd_mirror_image_resync: 'int rbd_mirror_image_resync(void *image)',
  rbd_aio_mirror_image_promote: 'int rbd_aio_mirror_image_promote(void *image, bool force, void *c)',
  rbd_aio_mirror_image_demote: 'int rbd_aio_mirror_image_demote(void *image, void *c)',
  rbd_aio_mirror_image_create_snapshot:
    'int rbd_aio_mirror_image_create_snapshot(void *image, uint32_t flags, void *snap_id, void *c)',
  rbd_group_create: 'int rbd_group_create(void *io, const char *name)',
  rbd_group_remove: 'int rbd_group_remove(void *io, const char *name)',
  rbd_group_image_add: 'int rbd_group_image_add(void *group_io, const char *group_name, void *image_io, const char *image_name)',
  rbd_group_image_remove_by_id:
    'int rbd_group_image_remove_by_id(void *group_io, const char *group_name, void *image_io, const char *image_id)',
  rbd_group_snap_create2:
    'int rbd_group_snap_create2(void *group_io, const char *group_name, const char *snap_name, uint32_t flags)',
  rbd_group_snap_remove: 'int rbd_group_snap_remove(void *group_io, const char *group_name, const char *snap_name)',
} as const;

/** Enums of the headers, which the signatures above use. */
export const ENUMS = ['rbd_mirror_mode_t', 'rbd_mirror_peer_direction_t', 'rbd_mirror_image_mode_t'] as const;

/** The C types of callbacks, by the name that the signatures above use. */
export const CALLBACKS = {
  rbd_progress: 'int rbd_progress(uint64_t offset, uint64_t total, void *data)',
  rbd_diff_extent: 'int rbd_diff_extent(uint64_t ofs, size_t len, int exists, void *arg)',
} as const;

export type FunctionName = keyof typeof LIBRADOS | keyof typeof LIBRBD;
