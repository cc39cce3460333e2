import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * One hop on Kafka's own client: consume, parse JSON, write JSON, produce, flush, commit four times a second.
 *
 * <p>java RawHop BROKERS FROM TO GROUP COUNT. The first pass over COUNT records warms the JVM up; the second,
 * as another group, is measured and told as one line of JSON.
 */
public final class RawHop {
  private static final long COMMIT_NANOS = 250_000_000L;
  private final ObjectMapper mapper = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    RawHop hop = new RawHop();
    int count = Integer.parseInt(args[4]);
    hop.pass(args[0], args[1], args[2], args[3] + ".warm", count);
    System.out.println(hop.pass(args[0], args[1], args[2], args[3], count));
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private String pass(String brokers, String from, String to, String group, int count)
      throws Exception {
    AtomicReference<Exception> failed = new AtomicReference<>();
    Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
    long begun = 0;
    long cpu = 0;
    int seen = 0;
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(reading(brokers, group));
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(writing(brokers))) {
      consumer.subscribe(List.of(from));
      long committed = System.nanoTime();
      while (seen < count) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          if (seen++ == 0) {
            begun = System.nanoTime();
            cpu = cpuNanos();
          }
          byte[] value = mapper.writeValueAsBytes(mapper.readTree(record.value()));
          producer.send(
              new ProducerRecord<>(to, record.partition(), record.key(), value, record.headers()),
              (written, error) -> failed.compareAndSet(null, error));
          done.put(
              new TopicPartition(from, record.partition()),
              new OffsetAndMetadata(record.offset() + 1));
        }
        if (System.nanoTime() - committed > COMMIT_NANOS || seen >= count) {
          producer.flush();
          if (failed.get() != null) {
            throw failed.get();
          }
          consumer.commitSync(done);
          done.clear();
          committed = System.nanoTime();
        }
      }
      double seconds = (System.nanoTime() - begun) / 1e9;
      double spent = (cpuNanos() - cpu) / 1e9;
      return String.format(
          java.util.Locale.ROOT,
          "{\"seconds\": %.6f, \"cpu_seconds\": %.6f, \"events\": %d}", seconds, spent, seen);
    }
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static Map<String, Object> reading(String brokers, String group) {
    return Map.of(
        "bootstrap.servers", brokers,
        "group.id", group,
        "enable.auto.commit", "false",
        "auto.offset.reset", "earliest",
        "isolation.level", "read_committed",
        "max.poll.records", "5000",
        "key.deserializer", ByteArrayDeserializer.class,
        "value.deserializer", ByteArrayDeserializer.class);
  }

  private static Map<String, Object> writing(String brokers) {
    return Map.of(
        "bootstrap.servers", brokers,
        "acks", "all",
        "enable.idempotence", "true",
        "compression.type", "zstd",
        "batch.size", "500000",
        "max.request.size", "1200000",
        "key.serializer", ByteArraySerializer.class,
        "value.serializer", ByteArraySerializer.class);
  }
}
